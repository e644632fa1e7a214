//! A curve in one line.

use std::ops::Range;

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Which buckets each of so many columns shows: at least one.
pub(crate) fn columns(buckets: usize, columns: usize) -> impl Iterator<Item = Range<usize>> {
    (0..columns).filter(move |_| buckets > 0).map(move |column| {
        let from = column * buckets / columns;
        from..((column + 1) * buckets / columns).max(from + 1)
    })
}

/// A column of this height, from nothing to all.
pub(crate) fn linear(value: f64, top: f64) -> char {
    level(value, value / top)
}

/// The same where each step is a multiple of the one below it, from `bottom` to `top`.
pub(crate) fn logarithmic(value: f64, bottom: f64, top: f64) -> char {
    level(value, (value / bottom).max(1.0).ln() / (top / bottom).ln())
}

/// Nothing is blank, and the least that is something is not.
fn level(value: f64, share: f64) -> char {
    if value <= 0.0 {
        return ' ';
    }
    let highest = LEVELS.len() - 1;
    let steps = (1..=highest).filter(|step| share * highest as f64 >= *step as f64 - 0.5);
    LEVELS[steps.count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_share_the_buckets_in_order_and_repeat_those_that_are_too_few() {
        let of = |buckets, width| columns(buckets, width).collect::<Vec<_>>();
        assert_eq!(of(7, 3), [0..2, 2..4, 4..7]);
        assert_eq!(of(2, 4), [0..1, 0..1, 1..2, 1..2]);
        assert_eq!(of(0, 4), []);
    }

    #[test]
    fn a_column_is_as_high_as_its_value() {
        let linear: String =
            [0.0, 0.1, 50.0, 100.0].map(|value| linear(value, 100.0)).iter().collect();
        assert_eq!(linear, " ▁▅█");
        let steps = [0.0, 0.5, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
        let logarithmic: String = steps.map(|value| logarithmic(value, 10.0, 1e5)).iter().collect();
        assert_eq!(logarithmic, " ▁▁▃▅▆█");
    }
}
