//! A file to be written when all is done.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file that can be written to, as was seen before. What it holds is kept until there is something
/// to put in its place, and none is made before.
pub(crate) struct Output {
    path: PathBuf,
    /// `None` if it is still to be made.
    file: Option<File>,
}

impl Output {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = Self::existing(path).map_err(|error| unwritten(path, &error))?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn existing(path: &Path) -> io::Result<Option<File>> {
        match OpenOptions::new().write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
        match OpenOptions::new().write(true).create_new(true).open(path) {
            // It could be made, which is all that had to be known.
            Ok(_) => fs::remove_file(path).map(|()| None),
            // A link to nowhere: what it leads to is made and stays.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                File::create(path).map(Some)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), String> {
        self.replace(content).map_err(|error| unwritten(&self.path, &error))
    }

    fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => &mut File::create(&self.path)?,
        };
        // A pipe or a terminal has no length.
        if file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        file.write_all(content)
    }
}

fn unwritten(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
