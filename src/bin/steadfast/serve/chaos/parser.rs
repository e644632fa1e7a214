//! Reading chaos, from left to right.

use std::{ops::Range, str::FromStr};

use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
};
use steadfast::CloseCode;

use super::{Chance, Chaos, ChaosError, Fault, Refusal, Span, Trouble, Turn, When, error::Problem};

/// What ends a word.
const MARKS: [char; 4] = [',', ':', '@', '='];

impl FromStr for Chaos {
    type Err = ChaosError;

    fn from_str(text: &str) -> Result<Self, ChaosError> {
        let mut parser = Parser { text, at: 0 };
        parser.chaos().map_err(|(part, problem)| ChaosError::new(text, part, problem))
    }
}

type Parsed<T> = Result<T, (Range<usize>, Problem)>;

struct Parser<'a> {
    text: &'a str,
    /// In bytes.
    at: usize,
}

struct Word<'a> {
    text: &'a str,
    part: Range<usize>,
}

impl Word<'_> {
    fn is_not<T>(&self, problem: Problem) -> Parsed<T> {
        Err((self.part.clone(), problem))
    }
}

impl<'a> Parser<'a> {
    fn chaos(&mut self) -> Parsed<Chaos> {
        let mut faults = Vec::new();
        if self.text.trim().is_empty() {
            return Ok(Chaos { faults });
        }
        loop {
            faults.push(self.fault()?);
            if self.rest().is_empty() {
                return Ok(Chaos { faults });
            }
            if !self.eat(',') {
                return Err((self.at..self.text.len(), Problem::Unexpected));
            }
        }
    }

    fn fault(&mut self) -> Parsed<Fault> {
        let start = self.at;
        let name = self.word();
        let example = match name.text {
            "drop" => "drop=5%",
            "rst" => "rst=1%",
            "stall" => "stall=2s@1%",
            "mute" => "mute=10s@60s",
            "close" => "close=1012@30s",
            "refuse" => "refuse=503:retry-after=7@20%",
            "" => return name.is_not(Problem::NoFault),
            _ => return name.is_not(Problem::UnknownFault),
        };
        if !self.eat('=') {
            return name.is_not(Problem::NoValue(example));
        }
        let trouble = match name.text {
            "refuse" => return self.refuse(),
            "drop" => return Ok(Fault::Trouble(Trouble::Drop, self.when()?)),
            "rst" => return Ok(Fault::Trouble(Trouble::Reset, self.when()?)),
            "close" => Trouble::Close(self.close_code()?),
            "stall" => Trouble::Stall(self.span()?),
            _ => Trouble::Mute(self.span()?),
        };
        if !self.eat('@') {
            return Err((start..self.at, Problem::NoWhen(trouble.to_string())));
        }
        Ok(Fault::Trouble(trouble, self.when()?))
    }

    fn refuse(&mut self) -> Parsed<Fault> {
        let word = self.word();
        let status = word.text.parse().ok().filter(|status| (300..=599).contains(status));
        let Some(Ok(status)) = status.map(StatusCode::from_u16) else {
            return word.is_not(Problem::Status);
        };
        let mut headers = Vec::new();
        while self.eat(':') {
            headers.push(self.header()?);
        }
        let turn = match self.eat('@') {
            true => Turn::Chance(self.chance()?),
            false => Turn::EveryOther,
        };
        Ok(Fault::Refuse(Refusal { status, headers }, turn))
    }

    fn header(&mut self) -> Parsed<(HeaderName, HeaderValue)> {
        let word = self.word();
        let Ok(name) = HeaderName::from_str(word.text) else {
            return word.is_not(Problem::HeaderName);
        };
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            return word.is_not(Problem::OwnHeader);
        }
        if !self.eat('=') {
            return word.is_not(Problem::NoHeaderValue);
        }
        let word = self.value()?;
        // What is not ASCII could be sent, but not shown.
        match HeaderValue::from_str(word.text) {
            Ok(value) if !word.text.contains('"') && word.text.is_ascii() => Ok((name, value)),
            _ => word.is_not(Problem::HeaderValue),
        }
    }

    fn when(&mut self) -> Parsed<When> {
        let word = self.word();
        if word.text.ends_with('%') {
            return chance(&word).map(When::Chance);
        }
        match word.text.parse() {
            Ok(span) => Ok(When::Every(span)),
            Err(_) if !word.text.starts_with(|first: char| first.is_ascii_digit()) => {
                word.is_not(Problem::When)
            }
            Err(error) => word.is_not(Problem::Duration(error)),
        }
    }

    fn chance(&mut self) -> Parsed<Chance> {
        chance(&self.word())
    }

    fn span(&mut self) -> Parsed<Span> {
        let word = self.word();
        word.text.parse().or_else(|error| word.is_not(Problem::Duration(error)))
    }

    fn close_code(&mut self) -> Parsed<CloseCode> {
        let word = self.word();
        let code = word.text.parse().ok().map(CloseCode::new);
        match code.filter(|code| code.is_sendable()) {
            Some(code) => Ok(code),
            None => word.is_not(Problem::CloseCode),
        }
    }

    /// What is between two quotation marks, or a word.
    fn value(&mut self) -> Parsed<Word<'a>> {
        let rest = self.rest();
        let Some(quoted) = rest.trim_start().strip_prefix('"') else {
            return Ok(self.word());
        };
        let start = self.text.len() - quoted.len();
        let Some(length) = quoted.find('"') else {
            return Err((start - 1..self.text.len(), Problem::OpenQuote));
        };
        self.at = start + length + 1;
        Ok(Word { text: &quoted[..length], part: start..start + length })
    }

    /// All up to the next mark, without the space around it.
    fn word(&mut self) -> Word<'a> {
        let rest = self.rest();
        let end = rest.find(MARKS).unwrap_or(rest.len());
        let text = rest[..end].trim();
        let start = self.at + (rest[..end].len() - rest[..end].trim_start().len());
        self.at += end;
        Word { text, part: start..start + text.len() }
    }

    fn eat(&mut self, mark: char) -> bool {
        let rest = self.rest().trim_start();
        let Some(after) = rest.strip_prefix(mark) else { return false };
        self.at = self.text.len() - after.len();
        true
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

fn chance(word: &Word<'_>) -> Parsed<Chance> {
    word.text.parse().or_else(|_| word.is_not(Problem::Chance))
}
