use std::{fmt, io::BufRead};

use super::{Entry, Trace, TraceError, file::Header};

/// The longest line that is read: thousands of times the usual.
const LONGEST_LINE: u64 = 1 << 20;

/// A trace read call by call, in bounded memory, however long it is and whatever is in it.
///
/// It ends after the first error.
///
/// ```
/// use std::{fs::File, io::BufReader};
/// use steadfast::{Backoff, trace::{Entry, Reader}};
///
/// let mut reader = Reader::new(BufReader::new(File::open("tests/traces/refused-for-good.jsonl")?))?;
/// let mut machine = reader.head().machine(reader.head().policy_as::<Backoff>()?);
/// while let Some(recorded) = reader.next().transpose()? {
///     let replayed = Entry::of(&mut machine, recorded.at, recorded.event);
///     assert_eq!(replayed, recorded, "line {}", reader.line());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader<R> {
    from: R,
    text: Vec<u8>,
    line: usize,
    head: Trace,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the head of a trace.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is empty, is not the head of a trace, or is one of another version.
    pub fn new(mut from: R) -> Result<Self, TraceError> {
        let mut text = Vec::new();
        if !read_line(&mut from, &mut text, 1)? {
            return Err(TraceError::Empty);
        }
        let head = Header::read(&text)?.into_trace();
        Ok(Self { from, text, line: 1, head, is_over: false })
    }

    /// How the machine was made, and whether the last line was torn, if it has been read. The
    /// entries are not in it.
    pub fn head(&self) -> &Trace {
        &self.head
    }

    pub(super) fn into_head(self) -> Trace {
        self.head
    }

    /// The number of the line that was read last, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    fn read(&mut self) -> Result<Option<Entry>, TraceError> {
        loop {
            if !read_line(&mut self.from, &mut self.text, self.line + 1)? {
                return Ok(None);
            }
            self.line += 1;
            // Editors leave blank lines.
            if self.text.trim_ascii().is_empty() {
                continue;
            }
            return match serde_json::from_slice(&self.text) {
                Ok(entry) => Ok(Some(entry)),
                Err(_) if !self.text.ends_with(b"\n") => {
                    self.head.is_torn = true;
                    Ok(None)
                }
                Err(error) => Err(TraceError::Entry { line: self.line, error }),
            };
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Entry, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let entry = self.read().transpose();
        self.is_over = !matches!(entry, Some(Ok(_)));
        entry
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, head, .. } = self;
        f.debug_struct("Reader").field("line", line).field("head", head).finish_non_exhaustive()
    }
}

/// Whether there was one.
fn read_line(from: impl BufRead, text: &mut Vec<u8>, line: usize) -> Result<bool, TraceError> {
    text.clear();
    let read = from.take(LONGEST_LINE).read_until(b'\n', text).map_err(TraceError::Read)?;
    if read as u64 == LONGEST_LINE && !text.ends_with(b"\n") {
        return Err(TraceError::TooLong { line, most: LONGEST_LINE });
    }
    Ok(read > 0)
}
