//! What is of a type and what is not: by example, and at random against serde_json.

use super::*;

fn is_pong(text: &str) -> bool {
    is_of_type(text, "pong")
}

#[test]
fn an_object_of_the_type_is_found_in_any_spelling_that_all_read_alike() {
    for text in [
        r#"{"type":"pong"}"#,
        r#" { "type" : "pong" } "#,
        "\r\n{\t\"type\"\n:\r\"pong\"}\n",
        r#"{"type":"pong","ts":1}"#,
        r#"{"ts":1,"type":"pong"}"#,
        r#"{"id":-0.5e+3,"type":"pong","a":[],"b":{},"c":[1,[2,{"d":null}]]}"#,
        r#"{"type":"pong","data":{"type":"data"}}"#,
        r#"{"data":"{\"type\":\"data\"}","type":"pong"}"#,
        r#"{"é":"\u00e9\\","type":"pong","ok":[true,false,null]}"#,
        r#"{"Type":"x","type":"pong"}"#,
    ] {
        assert!(is_pong(text), "{text}");
    }
}

#[test]
fn what_is_nested_quoted_or_of_another_type_is_not_found() {
    for text in [
        "",
        "pong",
        "null",
        r#""pong""#,
        r#"["type","pong"]"#,
        r#"[{"type":"pong"}]"#,
        "{}",
        r#"{"type":"ping"}"#,
        r#"{"type":"pongs"}"#,
        r#"{"type":"Pong"}"#,
        r#"{"type":" pong"}"#,
        r#"{"type":["pong"]}"#,
        r#"{"type":{"type":"pong"}}"#,
        r#"{"type":null}"#,
        r#"{"types":"pong"}"#,
        r#"{"Type":"pong"}"#,
        r#"{"data":{"type":"pong"}}"#,
        r#"{"data":"\"type\":\"pong\""}"#,
        r#"{"a":"\",\"type\":\"pong"}"#,
        r#"{"pong":"type"}"#,
    ] {
        assert!(!is_pong(text), "{text}");
    }
}

#[test]
fn what_two_readers_could_take_for_two_things_is_not_found() {
    for text in [
        r#"{"type":"pong","type":"pong"}"#,
        r#"{"type":"pong","type":"data"}"#,
        r#"{"type":"data","type":"pong"}"#,
        r#"{"type":"pong","\u0074ype":"data"}"#,
        r#"{"\u0074ype":"pong"}"#,
        r#"{"type":"\u0070ong"}"#,
        r#"{"\n":1,"type":"pong"}"#,
    ] {
        assert!(!is_pong(text), "{text}");
    }
}

#[test]
fn what_is_no_json_is_not_found() {
    for text in [
        "{",
        r#"{"type"#,
        r#"{"type":"#,
        r#"{"type":"pong""#,
        r#"{"type":"pong"}}"#,
        r#"{"type":"pong"} {"#,
        r#"{"type":"pong",}"#,
        r#"{,"type":"pong"}"#,
        r#"{"type":"pong" "ts":1}"#,
        r#"{"type" "pong"}"#,
        r#"{type:"pong"}"#,
        r#"{'type':'pong'}"#,
        "\u{feff}{\"type\":\"pong\"}",
        r#"{"type":"pong","ts":01}"#,
        r#"{"type":"pong","ts":1.}"#,
        r#"{"type":"pong","ts":.1}"#,
        r#"{"type":"pong","ts":1e}"#,
        r#"{"type":"pong","ts":-}"#,
        r#"{"type":"pong","ts":+1}"#,
        r#"{"type":"pong","ts":nul}"#,
        r#"{"type":"pong","ts":NaN}"#,
        r#"{"type":"pong","a":[1,]}"#,
        r#"{"type":"pong","a":[1}"#,
        r#"{"type":"pong","a":{1:2}}"#,
        r#"{"type":"pong","a":"\x"}"#,
        r#"{"type":"pong","a":"\u12"}"#,
        r#"{"type":"pong","a":"\u12g4"}"#,
        "{\"type\":\"pong\",\"a\":\"\n\"}",
        "{\"type\":\"pong\",\u{b}\"a\":1}",
    ] {
        assert!(!is_pong(text), "{text}");
    }
}

#[test]
fn a_text_is_looked_at_as_far_as_a_heartbeat_is_long() {
    let of_length = |length: usize| {
        let frame = r#"{"type":"pong","pad":""}"#.len();
        format!(r#"{{"type":"pong","pad":"{}"}}"#, "x".repeat(length - frame))
    };
    assert!(is_pong(&of_length(LONGEST)));
    assert!(!is_pong(&of_length(LONGEST + 1)));
}

#[test]
fn nesting_has_an_end_and_the_object_itself_counts() {
    let nested = |deep: usize| {
        let within = deep - 1;
        format!(r#"{{"type":"pong","a":{}{}}}"#, "[".repeat(within), "]".repeat(within))
    };
    assert!(is_pong(&nested(DEEPEST.into())));
    assert!(!is_pong(&nested(usize::from(DEEPEST) + 1)));
}

/// Texts that look like JSON with a type in it, and are or are not.
#[cfg(feature = "serde")]
mod at_random {
    use core::fmt;

    use proptest::{collection::vec, prelude::*, sample::select};
    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

    use super::*;

    /// How many members `"type"` an object has, and how many of these are `"pong"`.
    #[derive(Debug)]
    struct Types {
        all: usize,
        pongs: usize,
    }

    impl<'de> Deserialize<'de> for Types {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Object;

            impl<'de> Visitor<'de> for Object {
                type Value = Types;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Types, A::Error> {
                    let mut types = Types { all: 0, pongs: 0 };
                    while let Some(name) = map.next_key::<String>()? {
                        if name == "type" {
                            types.all += 1;
                            let value: serde_json::Value = map.next_value()?;
                            types.pongs += usize::from(value == "pong");
                        } else {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                    Ok(types)
                }
            }

            deserializer.deserialize_map(Object)
        }
    }

    /// The same question, to somebody who knows all of JSON.
    fn is_one_pong(text: &str) -> bool {
        serde_json::from_str::<Types>(text).is_ok_and(|types| types.all == 1 && types.pongs == 1)
    }

    /// Objects with what belongs into them, and now and then with something that does not.
    fn texts() -> impl Strategy<Value = String> {
        let names = select(vec![r#""type""#, r#""a""#, r#""\u0074ype""#, r#""é""#, "type", ""]);
        let leaves = prop_oneof![
            4 => Just(r#""pong""#.to_owned()),
            1 => select(vec![
                r#""ping""#, r#""\u0070ong""#, r#""\"""#, "null", "true", "0", "-1.5e+9", "01", "1.",
                "nul", "-", "{", "]", "\"\u{1}\"", r#""\x""#, r#""\ud8"#,
            ])
            .prop_map(str::to_owned),
            1 => "[0-9.eE+-]{1,6}",
        ];
        let values = leaves.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                inner.prop_map(|value| format!(r#"{{"type":{value}}}"#)),
            ]
        });
        let space = select(vec!["", "", "", " ", "\n\t", "\r", ","]);
        let members =
            (names, values, space.clone(), space).prop_map(|(name, value, before, after)| {
                format!("{before}{name}{after}:{before}{value}{after}")
            });
        vec(members, 0..4).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_is_of_a_type_is_what_serde_json_reads_so_where_nothing_is_escaped(text in texts()) {
            let found = is_of_type(&text, "pong");
            prop_assert!(!found || is_one_pong(&text), "{text}");
            if !text.contains('\\') && text.len() <= LONGEST {
                prop_assert_eq!(found, is_one_pong(&text), "{}", text);
            }
        }

        #[test]
        fn a_text_that_was_damaged_is_read_as_serde_json_reads_it(
            at in 0..48_usize,
            damage in prop_oneof![any::<char>(), select(vec!['"', '\\', '{', '}', ',', ':', '[', ' '])],
        ) {
            let mut text = r#"{"id":-1.5e3,"type":"pong","a":[true,{}]}"#.to_owned();
            let at = at.min(text.len());
            text.insert(at, damage);
            prop_assert!(!is_of_type(&text, "pong") || is_one_pong(&text), "{text}");
            text.remove(at);
            prop_assert!(is_of_type(&text, "pong"));
            text.truncate(at);
            prop_assert_eq!(is_of_type(&text, "pong"), is_one_pong(&text), "{}", text);
        }

        #[test]
        fn no_text_is_too_much(text in any::<String>(), repeated in 0..600_usize) {
            prop_assert_eq!(is_of_type(&text, "pong"), is_one_pong(&text));
            for part in ["{\"type\":", "[", "\"", "\\", "{\"a\":[", "0", " "] {
                let _ = is_of_type(&part.repeat(repeated), "pong");
                let _ = is_of_type(&format!("{{\"type\":\"pong\",\"a\":{}", part.repeat(repeated)), "pong");
            }
        }
    }
}
