//! A file to be written when all is done.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file that can be written to, as was seen when it was opened. What it holds is kept until there
/// is something to put in its place.
pub(crate) struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| unwritten(path, &error))?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(crate) fn write(mut self, content: &[u8]) -> Result<(), String> {
        self.replace(content).map_err(|error| unwritten(&self.path, &error))
    }

    fn replace(&mut self, content: &[u8]) -> io::Result<()> {
        // A pipe or a terminal has no length.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.file.write_all(content)
    }
}

fn unwritten(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
