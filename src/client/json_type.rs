//! What a small JSON text says its type is, without reading all of JSON into memory.

/// The longest text that is looked at, in bytes: a heartbeat is short, and this is all that one
/// costs for each message that is none.
pub(super) const LONGEST: usize = 1_024;

/// How deep arrays and objects may be nested in one another, the outermost being the first.
const DEEPEST: u8 = 32;

/// Whether `text` is a JSON object (RFC 8259) of at most [`LONGEST`] bytes that has the member
/// `"type"` exactly once, and in it the string `wanted`.
///
/// Only what nobody can read otherwise is one: neither the type nor any name of a member beside it
/// may be written with an escape, the whole text must be JSON, and nothing may be nested deeper
/// than [`DEEPEST`].
pub(super) fn is_of_type(text: &str, wanted: &str) -> bool {
    text.len() <= LONGEST && Scanner { rest: text.as_bytes() }.is_of_type(wanted).is_some()
}

/// Reads on as long as it finds what must be there.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn is_of_type(&mut self, wanted: &str) -> Option<()> {
        let mut found = false;
        self.space();
        self.take(b'{')?;
        self.list(b'}', |it| {
            let name = it.plain_string()?;
            it.colon()?;
            if name != b"type" {
                return it.value(DEEPEST - 1);
            }
            let is_first = !std::mem::replace(&mut found, true);
            (it.plain_string()? == wanted.as_bytes() && is_first).then_some(())
        })?;
        self.space();
        (found && self.rest.is_empty()).then_some(())
    }

    fn space(&mut self) {
        let end = self.rest.iter().position(|byte| !b" \t\r\n".contains(byte));
        self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[byte])?;
        Some(())
    }

    fn colon(&mut self) -> Option<()> {
        self.space();
        self.take(b':')?;
        self.space();
        Some(())
    }

    /// The rest of an array or object: items, with commas in between.
    fn list(&mut self, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.space();
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            self.space();
            item(self)?;
            self.space();
            if self.take(end).is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn value(&mut self, deepest: u8) -> Option<()> {
        match self.rest.first()? {
            b'"' => self.string().map(|_| ()),
            b'{' => {
                let deepest = deepest.checked_sub(1)?;
                self.take(b'{')?;
                self.list(b'}', |it| {
                    it.string()?;
                    it.colon()?;
                    it.value(deepest)
                })
            }
            b'[' => {
                let deepest = deepest.checked_sub(1)?;
                self.take(b'[')?;
                self.list(b']', |it| it.value(deepest))
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let end = self.rest.iter().position(|byte| !byte.is_ascii_digit());
        let end = end.unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
        (end > 0).then_some(())
    }

    /// A string without an escape in it.
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        self.string().filter(|content| !content.contains(&b'\\'))
    }

    /// What is between the quotes, as it stands there.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let content = self.rest;
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
        let end = content.len() - self.rest.len() - 1;
        content.get(..end)
    }

    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let (digits, rest) = self.rest.split_at_checked(4)?;
                self.rest = rest;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
