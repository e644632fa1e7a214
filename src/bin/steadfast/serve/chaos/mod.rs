//! What a server does wrong, as data: `drop=5%,stall=2s@1%,close=1012@30s`.
//!
//! ```text
//! chaos   = [ fault *( "," fault ) ]
//! fault   = ( "drop" / "rst" ) "=" when
//!         / ( "stall" / "mute" ) "=" duration "@" when
//!         / "close" "=" code "@" when
//!         / "refuse" "=" status *( ":" header "=" value ) [ "@" chance ]
//! when    = chance / duration
//! chance  = number "%"
//! value   = text without any of , : @ = " / <"> text without " <">
//! ```

mod chance;
mod error;
mod parser;
mod span;
#[cfg(test)]
mod tests;

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode};
use steadfast::CloseCode;

pub(crate) use self::{chance::Chance, error::ChaosError, span::Span};

/// All that goes wrong, in the order in which it was written. Without any, the server is as good
/// as its word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chaos {
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Of a dial.
    Refuse(Refusal, Turn),
    /// Of a connection that is open.
    Trouble(Trouble, When),
}

/// What happens to an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// TCP ends in order, without a Close frame.
    Drop,
    /// TCP is reset.
    Reset,
    /// A Close frame.
    Close(CloseCode),
    /// Answers wait for so long; the server goes on to read and to answer pings.
    Stall(Span),
    /// For so long nothing is read or written.
    Mute(Span),
}

/// The answer to an upgrade request that is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// From 300 to 599.
    pub(crate) status: StatusCode,
    /// Their values have no quotation mark.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Which dials are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The first, the third, and so on.
    EveryOther,
    Chance(Chance),
}

/// When something happens to an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So likely at each message that comes in.
    Chance(Chance),
    /// So long after the connection has opened, and each time as long again.
    Every(Span),
}

impl Trouble {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reset => "rst",
            Self::Close(_) => "close",
            Self::Stall(_) => "stall",
            Self::Mute(_) => "mute",
        }
    }
}

impl fmt::Display for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for fault in &self.faults {
            write!(f, "{separator}{fault}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(refusal, Turn::EveryOther) => refusal.fmt(f),
            Self::Refuse(refusal, Turn::Chance(chance)) => write!(f, "{refusal}@{chance}"),
            Self::Trouble(trouble @ (Trouble::Drop | Trouble::Reset), when) => {
                write!(f, "{trouble}={when}")
            }
            Self::Trouble(trouble, when) => write!(f, "{trouble}@{when}"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Drop | Self::Reset => Ok(()),
            Self::Close(code) => write!(f, "={}", code.get()),
            Self::Stall(span) | Self::Mute(span) => write!(f, "={span}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refuse={}", self.status.as_u16())?;
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap_or_default();
            let is_plain = !value.is_empty() && !value.contains([' ', ',', ':', '@', '=']);
            let quote = if is_plain { "" } else { "\"" };
            write!(f, ":{name}={quote}{value}{quote}")?;
        }
        Ok(())
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chance(chance) => chance.fmt(f),
            Self::Every(span) => span.fmt(f),
        }
    }
}
