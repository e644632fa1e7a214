//! In a shell that stops it, has it go on, and has it run in the background; in a terminal that
//! changes its size.

use super::{
    peer::{Server, echo},
    terminal::Terminal,
};

/// More than there are rows.
const SHELL: &str = "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo shell $n; done";

#[test]
fn a_program_that_is_stopped_gives_the_terminal_back_and_takes_it_again_when_it_goes_on() {
    let server = echo();
    let url = server.url();
    let script = format!("$STEADFAST '{url}'; {SHELL}; read line; fg");
    let mut terminal = Terminal::shell(&script);
    terminal.until("open", |it| it.state().starts_with("open "));
    terminal.press("\u{1a}");
    terminal.until("stopped", |it| it.rows().contains(&"shell 12".to_owned()));
    let rows = terminal.rows();
    assert!(!rows.iter().any(|row| row.contains("open ")), "{rows:#?}");
    // All rows scroll: the last is the cursor's.
    assert_eq!(rows[rows.len() - 2..], ["shell 12", ""], "{rows:#?}");
    terminal.press("\n");
    terminal.until("open again", |it| it.state().starts_with("open "));
    terminal.press("back\n");
    terminal.until("echoed", |it| it.rows().iter().filter(|row| *row == "back").count() == 2);
    terminal.press("\u{4}");
    assert_eq!(terminal.end(), Some(0), "{:#?}", terminal.rows());
    server.join();
}

#[test]
fn a_terminal_of_which_nothing_is_known_has_plain_lines() {
    for setting in ["TERM=dumb", "TERM=", "-u TERM"] {
        let server = echo();
        let url = server.url();
        let mut terminal = Terminal::shell(&format!("env {setting} $STEADFAST '{url}'"));
        terminal.until("open", |it| it.rows().iter().any(|row| row.contains("open after ")));
        terminal.press("\u{4}");
        assert_eq!(terminal.end(), Some(0));
        assert!(!terminal.rows().iter().any(|row| row.starts_with('●')), "{:#?}", terminal.rows());
        server.join();
    }
}

#[test]
fn a_program_in_the_background_does_not_draw_on_the_terminal() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        peer.send("hello");
        peer.drain();
    });
    let url = server.url();
    let script = format!("$STEADFAST --no-exit-on-eof '{url}' </dev/null & read line; kill $!");
    let mut terminal = Terminal::shell(&script);
    terminal.until("open", |it| it.rows().contains(&"hello".to_owned()));
    let rows = terminal.rows();
    assert!(!rows.iter().any(|row| row.contains("open ")), "{rows:#?}");
    terminal.press("\n");
    terminal.end();
    server.join();
}

#[test]
fn what_is_said_stays_above_the_last_row_when_there_are_fewer_rows() {
    let server = echo();
    let mut terminal = Terminal::shell(&format!("$STEADFAST '{}'", server.url()));
    terminal.until("open", |it| it.state().starts_with("open "));
    for number in 0..8 {
        terminal.press(&format!("line {number}\n"));
    }
    terminal.until("echoed", |it| it.rows().contains(&"line 7".to_owned()));
    for (rows, columns) in [(5, 100), (7, 20), (3, 20)] {
        terminal.resize(rows, columns);
        terminal.until("drawn", |it| it.state().starts_with("open "));
        let line = format!("{rows} rows");
        terminal.press(&format!("{line}\n"));
        let is_shown = |it: &Terminal| it.rows().contains(&line);
        terminal.until("echoed", is_shown);
        terminal.until("above", |it| it.state().starts_with("open "));
        assert!(is_shown(&terminal), "{:#?}", terminal.rows());
    }
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), Some(130));
    server.join();
}
