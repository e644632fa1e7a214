//! `docs/states.svg`: the states and the ways between them. Where they are drawn is said here; what
//! is drawn, and what leads along, is what was found.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{
    document,
    outcome::{Deadline, Place, Told},
    transitions::{Found, found},
};

use Place::{Backoff, Closed, Closing, Connecting, Idle, Offline, Open};

/// A way that was found.
type Way = (Place, Place, &'static str);

/// An arrow, and what it stands for.
struct Arrow {
    from: &'static [Place],
    to: &'static [Place],
    by: &'static [&'static str],
    path: &'static str,
    /// Where its words are, and which end of them.
    at: (i32, i32, &'static str),
    /// What is said of it besides the events; in place of them if it begins where it is decided.
    words: Words,
}

enum Words {
    Events,
    Only(&'static str),
}

use Words::{Events, Only};

const DUE: &str = "the deadline is due";
const FAILURE: &[&str] = &["`Lost`", DUE];
const FAILED: &[Place] = &[Backoff, Offline, Closed];

const ARROWS: [Arrow; 16] = [
    Arrow {
        from: &[Idle],
        to: &[Connecting, Offline],
        by: &["`Start`"],
        path: "M112 90H158",
        at: (135, 80, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Idle, Closed],
        to: &[Connecting],
        by: &["`Start`"],
        path: "M172 90H332",
        at: (182, 80, "start"),
        words: Only(""),
    },
    Arrow {
        from: &[Idle, Closed],
        to: &[Backoff, Offline],
        by: &["`Start`"],
        path: "M165 97V286Q165 300 179 300H206",
        at: (156, 220, "end"),
        words: Only("too soon,|or no network"),
    },
    Arrow {
        from: &[Closed],
        to: &[Connecting, Backoff, Offline],
        by: &["`Start`"],
        path: "M740 528V552Q740 566 726 566H50Q36 566 36 552V150Q36 136 50 136H122Q136 136 143 124L160 97",
        at: (430, 557, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Connecting],
        to: &[Open],
        by: &["`Opened`"],
        path: "M466 82H672",
        at: (641, 72, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Open],
        to: &[Closing],
        by: &["`Stop`", "`CloseReceived`"],
        path: "M806 90H922",
        at: (865, 65, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Connecting],
        to: FAILED,
        by: FAILURE,
        path: "M466 104H600Q640 104 657 138L731 281",
        at: (676, 224, "end"),
        words: Events,
    },
    Arrow {
        from: &[Open],
        to: FAILED,
        by: FAILURE,
        path: "M740 118V280",
        at: (750, 190, "start"),
        words: Events,
    },
    Arrow {
        from: &[Closing],
        to: FAILED,
        by: FAILURE,
        path: "M970 118V286Q970 300 956 300H760",
        at: (865, 276, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Connecting, Open, Closing],
        to: &[Backoff, Offline],
        by: FAILURE,
        path: "M722 300H594",
        at: (657, 290, "middle"),
        words: Only("try again"),
    },
    Arrow {
        from: &[Connecting, Open, Closing],
        to: &[Closed],
        by: FAILURE,
        path: "M740 318V470",
        at: (750, 400, "start"),
        words: Only("useless to retry,|given up, or stopped"),
    },
    Arrow {
        from: &[Connecting, Backoff, Offline],
        to: &[Closed],
        by: &["`Stop`"],
        path: "M400 386V486Q400 500 414 500H672",
        at: (540, 490, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Backoff],
        to: &[Connecting],
        by: &["`RetryNow`", DUE],
        path: "M275 272V222Q275 208 289 208H356Q370 208 370 194V120",
        at: (318, 185, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Offline],
        to: &[Connecting],
        by: &["`RetryNow`"],
        path: "M525 272V222Q525 208 511 208H444Q430 208 430 194V120",
        at: (482, 200, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Backoff],
        to: &[Offline],
        by: &["`Network(Offline)`"],
        path: "M333 290H465",
        at: (400, 281, "middle"),
        words: Events,
    },
    Arrow {
        from: &[Offline],
        to: &[Backoff],
        by: &["`RetryNow`", "`Network(Online)`"],
        path: "M467 312H335",
        at: (400, 327, "middle"),
        words: Events,
    },
];

/// The middle of a state.
const fn middle(place: Place) -> (i32, i32) {
    match place {
        Idle => (64, 90),
        Connecting => (400, 90),
        Open => (740, 90),
        Closing => (990, 90),
        Backoff => (275, 300),
        Offline => (525, 300),
        Closed => (740, 500),
    }
}

const fn half_width(place: Place) -> i32 {
    match place {
        Idle => 48,
        Backoff | Offline => 58,
        Connecting | Open | Closing | Closed => 66,
    }
}

/// The ways from one state to another.
fn ways(found: &Found) -> BTreeSet<Way> {
    let cells = found.cells.iter();
    let ways = cells.flat_map(|((from, input), cell)| {
        cell.keys().filter_map(move |told| match told {
            Told::Applied { then, .. } if then != from => Some((*from, *then, input.event())),
            _ => None,
        })
    });
    ways.collect()
}

/// Which deadlines run in a state.
fn deadlines(found: &Found, place: Place) -> String {
    let told = found.cells.values().flat_map(|cell| cell.keys());
    let names: BTreeSet<_> = told
        .filter_map(|told| match told {
            Told::Applied { then, deadline: Deadline::Until(name, _), .. } if *then == place => {
                Some(*name)
            }
            _ => None,
        })
        .collect();
    names.into_iter().collect::<Vec<_>>().join(" · ")
}

fn words(arrow: &Arrow) -> String {
    let event = |name: &&str| match *name {
        DUE => "deadline".to_owned(),
        name => name.trim_matches('`').to_owned(),
    };
    let events = || arrow.by.iter().map(event).collect::<Vec<_>>().join("|");
    match arrow.words {
        Events => events(),
        Only(words) => words.to_owned(),
    }
}

const STYLE: &str = "\
.steadfast-states text{font:13px system-ui,-apple-system,\"Segoe UI\",Helvetica,Arial,sans-serif;fill:#1f2328;stroke:none}
.steadfast-states .name{font-weight:600;font-size:15px;text-anchor:middle}
.steadfast-states .timer{font-size:11px;text-anchor:middle;fill:#59636e}
.steadfast-states .page{fill:#fff;stroke:#d1d9e0}
.steadfast-states .way{fill:none;stroke:#59636e;stroke-width:1.5}
.steadfast-states .tip{fill:#59636e;stroke:none}
.steadfast-states .group{fill:none;stroke:#818b98;stroke-dasharray:5 4}
.steadfast-states .still{fill:#f6f8fa;stroke:#818b98;stroke-width:1.5}
.steadfast-states .between{fill:#fff8c5;stroke:#9a6700;stroke-width:1.5}
.steadfast-states .open{fill:#dafbe1;stroke:#1a7f37;stroke-width:1.5}
.steadfast-states .waiting{fill:#ddf4ff;stroke:#0969da;stroke-width:1.5}
@media (prefers-color-scheme:dark){
.steadfast-states text{fill:#f0f6fc}
.steadfast-states .timer{fill:#9198a1}
.steadfast-states .page{fill:#0d1117;stroke:#3d444d}
.steadfast-states .way{stroke:#9198a1}
.steadfast-states .tip{fill:#9198a1}
.steadfast-states .group{stroke:#656c76}
.steadfast-states .still{fill:#212830;stroke:#656c76}
.steadfast-states .between{fill:#332b10;stroke:#d29922}
.steadfast-states .open{fill:#12301c;stroke:#3fb950}
.steadfast-states .waiting{fill:#12253f;stroke:#4493f8}
}";

/// The picture. It has no blank line, so that it can stand in Markdown.
fn svg(found: &Found) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"steadfast-states\" viewBox=\"0 0 1080 590\" \
         role=\"img\" aria-label=\"The states of a machine and the ways between them\">\n",
    );
    writeln!(svg, "<style>\n{STYLE}\n</style>").unwrap();
    svg.push_str(
        "<defs><marker id=\"steadfast-states-tip\" viewBox=\"0 0 10 10\" refX=\"8\" refY=\"5\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"tip\" d=\"M0 0L10 5L0 10Z\"></path></marker></defs>\n\
         <rect class=\"page\" x=\"1\" y=\"1\" width=\"1078\" height=\"588\" rx=\"10\"></rect>\n\
         <rect class=\"group\" x=\"190\" y=\"34\" width=\"420\" height=\"352\" rx=\"14\"></rect>\n\
         <rect class=\"group\" x=\"208\" y=\"240\" width=\"384\" height=\"128\" rx=\"12\"></rect>\n",
    );
    let arrows = ARROWS.iter();
    for arrow in arrows {
        writeln!(
            svg,
            "<path class=\"way\" marker-end=\"url(#steadfast-states-tip)\" d=\"{}\"></path>",
            arrow.path
        )
        .unwrap();
        let (x, y, anchor) = arrow.at;
        for (line, words) in words(arrow).split('|').filter(|words| !words.is_empty()).enumerate() {
            let y = y + 15 * i32::try_from(line).expect("few lines");
            writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>")
                .unwrap();
        }
    }
    // Where it is decided what follows.
    svg.push_str(
        "<circle class=\"tip\" cx=\"165\" cy=\"90\" r=\"6\"></circle>\n\
         <path class=\"still\" d=\"M740 282L758 300L740 318L722 300Z\"></path>\n",
    );
    for (x, words) in [(275, "with a network"), (525, "without a network")] {
        writeln!(svg, "<text class=\"timer\" x=\"{x}\" y=\"354\">{words}</text>").unwrap();
    }
    for place in Place::ALL {
        node(&mut svg, place, &deadlines(found, place));
    }
    svg.push_str("</svg>\n");
    svg
}

fn node(svg: &mut String, place: Place, deadlines: &str) {
    let ((x, y), half) = (middle(place), half_width(place));
    let class = match place {
        Idle | Closed => "still",
        Connecting | Closing => "between",
        Open => "open",
        Backoff | Offline => "waiting",
    };
    let (left, top, width) = (x - half, y - 28, 2 * half);
    writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"56\" rx=\"9\"></rect>"
    )
    .unwrap();
    let lower = if deadlines.is_empty() { 5 } else { -2 };
    writeln!(svg, "<text class=\"name\" x=\"{x}\" y=\"{}\">{place}</text>", y + lower).unwrap();
    if !deadlines.is_empty() {
        writeln!(svg, "<text class=\"timer\" x=\"{x}\" y=\"{}\">{deadlines}</text>", y + 15)
            .unwrap();
    }
}

#[test]
fn the_picture_of_the_states_shows_every_way_that_there_is_and_no_other() {
    let ways = ways(found());
    let arrows = || ARROWS.iter();
    for (from, to, by) in &ways {
        let is_drawn = |arrow: &Arrow| {
            arrow.from.contains(from) && arrow.to.contains(to) && arrow.by.contains(by)
        };
        assert!(arrows().any(is_drawn), "{from} leads to {to} by {by}, and no arrow says so");
    }
    for arrow in arrows() {
        let leads = |from: &Place, to: &Place, by: &str| ways.contains(&(*from, *to, by));
        let from = |from| arrow.to.iter().any(|to| arrow.by.iter().any(|by| leads(from, to, by)));
        let to = |to| arrow.from.iter().any(|from| arrow.by.iter().any(|by| leads(from, to, by)));
        let by = |by| arrow.from.iter().any(|from| arrow.to.iter().any(|to| leads(from, to, by)));
        let leads = arrow.from.iter().all(from) && arrow.to.iter().all(to);
        assert!(leads && arrow.by.iter().all(|event| by(event)), "no way is {}", arrow.path);
    }
    document::check("docs/states.svg", &svg(found()));
}
