//! Lines of JSON, held against the schema in `docs/cli.md`.

use std::collections::{BTreeMap, BTreeSet};

use async_tungstenite::tungstenite::Message;
use serde_json::Value;

use super::{
    peer::{Server, hesitant},
    program::Program,
};

/// The fields of each event, and their types.
type Schema = BTreeMap<String, BTreeMap<String, String>>;

fn schema() -> Schema {
    let page = include_str!("../../../docs/cli.md");
    let (_, section) = page.split_once("### The events of connect").expect("a section");
    let mut schema = Schema::new();
    for row in section.lines().skip_while(|line| !line.starts_with("|---")).skip(1) {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let [_, event, field, kind, _, _] = cells[..] else { break };
        schema.entry(event.to_owned()).or_default().insert(field.to_owned(), kind.to_owned());
    }
    schema
}

fn has_type(value: &Value, kind: &str) -> bool {
    kind.split(" or ").any(|kind| match kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        _ => panic!("no such type: {kind}"),
    })
}

/// That each line is an event of the schema, with all its fields and no others.
fn assert_follows(schema: &Schema, lines: &[Value]) {
    let mut before = 0;
    for line in lines {
        let event = line["event"].as_str().unwrap_or_else(|| panic!("{line}"));
        let expected = schema.get(event).unwrap_or_else(|| panic!("no such event: {line}"));
        let fields: BTreeSet<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
        let names = expected.keys().map(String::as_str).chain(["t_ms", "event"]).collect();
        assert_eq!(fields, names, "{line}");
        for (field, kind) in expected {
            assert!(has_type(&line[field], kind), "{field} is no {kind}: {line}");
        }
        let at = line["t_ms"].as_u64().unwrap();
        assert!(at >= before, "{line}");
        before = at;
    }
}

#[test]
fn every_event_follows_the_documented_schema() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        assert_eq!(peer.text(), "ask");
        peer.send("answer");
        peer.send(Message::binary(&b"\xff\0"[..]));
        // Long enough for a ping.
        assert_eq!(peer.text(), "go");
        peer.close(1012, "bye");
        listener.refuse(503);
        listener.accept().close(4900, "no more");
    });
    let url = server.url();
    let arguments =
        ["--json-events", "--heartbeat", "20ms", "--max-delay", "100ms", "--buffer", "1", &url];
    let mut program = Program::start(&arguments);
    let mut lines = Vec::new();
    program.type_in("ask\n");
    let mut pinged = false;
    loop {
        let line: Value = serde_json::from_str(&program.line()).unwrap();
        lines.push(line.clone());
        if line["event"] == "rtt" && !pinged {
            pinged = true;
            program.type_in("go\n");
        }
        if line["event"] == "stopped" {
            break;
        }
    }
    let ended = program.end();
    assert_eq!((ended.exit, ended.stdout.len()), (Some(4), 0));
    server.join();

    let schema = schema();
    assert_eq!(schema.len(), 9);
    assert_follows(&schema, &lines);
    let of =
        |name: &str| -> Vec<&Value> { lines.iter().filter(|line| line["event"] == name).collect() };
    let states: Vec<_> = of("state").into_iter().map(|it| it["to"].as_str().unwrap()).collect();
    // A closing handshake that is over at once is not seen.
    let lasting: Vec<_> = states.into_iter().filter(|state| *state != "closing").collect();
    let mut expected = vec!["connecting", "open", "backoff", "connecting", "backoff"];
    expected.extend(["connecting", "open", "closed"]);
    assert_eq!(lasting, expected);
    let messages: Vec<_> = of("message").into_iter().map(|it| (&it["kind"], &it["data"])).collect();
    assert_eq!(messages, [(&"text".into(), &"answer".into()), (&"binary".into(), &"/wA=".into())]);
    let ups: Vec<_> = of("up").into_iter().map(|it| &it["reconnected"]).collect();
    assert_eq!(ups, [&Value::Bool(false), &Value::Bool(true)]);
    let closed: Vec<_> = of("closed").into_iter().map(|it| (&it["code"], &it["reason"])).collect();
    assert_eq!(closed, [(&1012.into(), &"bye".into()), (&4900.into(), &"no more".into())]);
    let retries: Vec<_> = of("retry").into_iter().map(|it| it["attempt"].as_u64()).collect();
    assert_eq!(retries, [Some(1), Some(2)]);
    assert!(of("retry")[1]["cause"].as_str().unwrap().contains("HTTP 503"));
    let stopped = lines.last().unwrap();
    let expected = "closed by the peer with 4900 \"no more\"";
    assert_eq!((&stopped["reason"], &stopped["close_code"]), (&expected.into(), &4900.into()));
    assert_eq!((&stopped["exit"], &stopped["http_status"]), (&4.into(), &Value::Null));
}

#[test]
fn what_may_not_have_arrived_is_an_event_too() {
    let server = Server::start(|listener| {
        let mut peer = listener.accept();
        assert_eq!((peer.text(), peer.text()), ("1".to_owned(), "2".to_owned()));
    });
    let mut program = Program::start(&["--json-events", "--no-reconnect", &server.url()]);
    program.type_in("1\n2\n");
    let unconfirmed = program.event("unconfirmed");
    assert_eq!(unconfirmed["count"], 2);
    assert_follows(&schema(), &[unconfirmed]);
    assert_eq!(program.end().exit, Some(1));
    server.join();
}

#[test]
fn what_is_undelivered_and_how_a_dial_is_refused_follows_the_schema_too() {
    let (server, go_on) = hesitant(|listener| listener.refuse(404));
    let url = server.url();
    let arguments = ["--json-events", "--buffer", "1", "--when-full", "drop-oldest", &url];
    let mut program = Program::start(&arguments);
    program.type_in("displaced\nkept\n");
    let displaced = program.event("undelivered");
    go_on();
    let ended = program.end();
    server.join();
    let rest = ended.stdout.iter().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = [displaced].into_iter().chain(rest).collect();
    assert_follows(&schema(), &lines);
    assert_eq!(lines[0]["count"], 1);
    let [.., undelivered, state, stopped] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(undelivered["count"], 1);
    assert_eq!((&state["to"], &stopped["http_status"]), (&"closed".into(), &404.into()));
    assert_eq!((&stopped["exit"], ended.exit), (&3.into(), Some(3)));
}
