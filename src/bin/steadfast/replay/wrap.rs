//! Text that is too long for a line.

/// How wide a terminal is at least.
pub(super) const COLUMNS: usize = 80;

/// By how much what continues a line is indented.
const HANGING: usize = 2;

/// The lines of a text that is at most `width` wide, broken between words. A word that is longer
/// has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let is_first = line.trim_start().is_empty();
        if !is_first && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(line);
            line = " ".repeat(HANGING) + word;
        } else {
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_what_follows_is_indented() {
        assert_eq!(wrapped("one two three four", 9), ["one two", "  three", "  four"]);
        assert_eq!(wrapped("one two", 7), ["one two"]);
        assert_eq!(wrapped("extraordinarily long", 9), ["extraordinarily", "  long"]);
        assert_eq!(wrapped("", 9), [""]);
    }
}
