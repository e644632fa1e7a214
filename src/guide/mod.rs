#![cfg_attr(not(doctest), doc = include_str!("links.md"))]
#![doc = include_str!("../../docs/guide/README.md")]

// The chapters are read as files, too, where a link leads to a file. Of two definitions of one link
// the first counts, so those for these pages come first, and the pictures are in the page itself.
// Tests are told by their lines in the chapter.
macro_rules! chapters {
    ($($name:ident: $file:literal,)*) => {$(
        #[cfg_attr(not(doctest), doc = include_str!("links.md"))]
        #[cfg_attr(not(doctest), doc = include_str!("pictures.md"))]
        #[doc = include_str!(concat!("../../docs/guide/", $file))]
        pub mod $name {}
    )*};
}

chapters! {
    why_connections_die: "why-connections-die.md",
    quick_start: "quick-start.md",
    driving_the_machine: "driving-the-machine.md",
    choosing_a_policy: "choosing-a-policy.md",
    heartbeats: "heartbeats.md",
    resynchronising: "resynchronising.md",
    sending: "sending.md",
    transports_and_executors: "transports-and-executors.md",
    testing: "testing.md",
    recording: "recording.md",
    defaults: "defaults.md",
    moving_here: "moving-here.md",
    troubleshooting: "troubleshooting.md",
}
