//! The file of a trace. That it cannot be written on is said, and ends nothing but the trace.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::people;

pub(super) struct Record {
    path: PathBuf,
    file: File,
}

impl Record {
    pub(super) fn create(path: &Path) -> Result<Self, String> {
        let file =
            File::create(path).map_err(|error| format!("--record {}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }
}

impl Write for Record {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|error| {
            // After an error, nothing more is recorded.
            if error.kind() != io::ErrorKind::Interrupted {
                let path = self.path.display();
                people::say(&format!(
                    "warning: --record {path}: {error}; nothing more is recorded"
                ));
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
