//! Documents that a test writes: each is compared with what it should be. Set `UPDATE_DOCS` to write
//! them.
#![allow(dead_code, reason = "each test crate uses its own part")]

use std::{env, fs, path::PathBuf};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The document as it is; nothing if there is none yet.
pub(crate) fn read(name: &str) -> String {
    // A checkout on Windows may have other line ends.
    fs::read_to_string(path(name)).unwrap_or_default().replace("\r\n", "\n")
}

/// Holds the document against what it should be, or writes it.
pub(crate) fn check(name: &str, new: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(name), new).expect("the document can be written");
        return;
    }
    let old = read(name);
    let advice = format!("{name} is out of date: set UPDATE_DOCS=1 and run this test again");
    for (number, (old, new)) in old.lines().zip(new.lines()).enumerate() {
        assert_eq!(old, new, "line {}: {advice}", number + 1);
    }
    assert!(old == new, "{advice}");
}

/// What is on the page between `<!-- name -->` and `<!-- end -->` replaced.
pub(crate) fn with_block(page: &str, name: &str, block: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the page has the block");
    let (_, after) = rest.split_once("<!-- end -->").expect("the block ends");
    format!("{before}{begin}{block}<!-- end -->{after}")
}

/// A row of a table.
pub(crate) fn line<Cell: AsRef<str>>(cells: impl IntoIterator<Item = Cell>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A span of time in the largest unit that tells it exactly.
pub(crate) fn human(span: std::time::Duration) -> String {
    const UNITS: [(&str, u128); 5] = [
        ("h", 3_600_000_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("ns", 1),
    ];
    let nanos = span.as_nanos();
    if nanos > 1_000_000_000 && nanos % 1_000_000_000 != 0 {
        return format!("{} s", span.as_secs_f64());
    }
    let fits = |unit: &&(&str, u128)| nanos >= unit.1 && nanos % unit.1 == 0;
    UNITS.iter().find(fits).map_or("0".into(), |(name, unit)| format!("{} {name}", nanos / unit))
}
