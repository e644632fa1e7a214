use std::time::Duration;

use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any, prop_oneof, proptest},
    strategy::Just,
};

use super::{error::Problem, *};

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1_000_000_u64..=86_400_000_000_000).prop_map(Duration::from_nanos),
        (1_u64..=86_400).prop_map(Duration::from_secs),
    ]
    .prop_map(|duration| Span::try_from(duration).unwrap())
}

fn chances() -> impl Strategy<Value = Chance> {
    prop_oneof![0..=1_000_000_u32, (0..=100_u32).prop_map(|whole| whole * 10_000)]
        .prop_map(|millionths| Chance::from_millionths(millionths).unwrap())
}

fn whens() -> impl Strategy<Value = When> {
    prop_oneof![chances().prop_map(When::Chance), spans().prop_map(When::Every)]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let codes = prop_oneof![1000..=1003_u16, 1007..=1014_u16, 3000..=4999_u16];
    prop_oneof![
        Just(Trouble::Drop),
        Just(Trouble::Reset),
        codes.prop_map(|code| Trouble::Close(CloseCode::new(code))),
        spans().prop_map(Trouble::Stall),
        spans().prop_map(Trouble::Mute),
    ]
}

fn refusals() -> impl Strategy<Value = Refusal> {
    let header = ("x-[a-z0-9]{1,8}", "([ !#-~]{0,12})").prop_map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(&value).unwrap())
    });
    (300..=599_u16, vec(header, 0..3)).prop_map(|(status, headers)| Refusal {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
    })
}

fn faults() -> impl Strategy<Value = Fault> {
    let turns =
        option::of(chances()).prop_map(|chance| chance.map_or(Turn::EveryOther, Turn::Chance));
    prop_oneof![
        (refusals(), turns).prop_map(|(refusal, turn)| Fault::Refuse(refusal, turn)),
        (troubles(), whens()).prop_map(|(trouble, when)| Fault::Trouble(trouble, when)),
    ]
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(faults in vec(faults(), 0..6)) {
        let chaos = Chaos { faults };
        assert_eq!(chaos.to_string().parse(), Ok(chaos));
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_part_of_it_marked(text in any::<String>()) {
        if let Err(error) = text.parse::<Chaos>() {
            assert!(error.to_string().contains('^'));
        }
    }

    #[test]
    fn whatever_is_made_of_the_right_pieces_is_read_or_refused_and_what_is_read_can_be_shown(
        pieces in vec(prop_oneof![
            Just("drop"), Just("rst"), Just("stall"), Just("mute"), Just("close"), Just("refuse"),
            Just("="), Just("@"), Just(":"), Just(","), Just("\""), Just(" "), Just("ä"),
            Just("5%"), Just("2s"), Just("1012"), Just("503"), Just("retry-after"),
        ], 0..12),
    ) {
        let text = pieces.concat();
        match text.parse::<Chaos>() {
            Ok(chaos) => assert_eq!(chaos.to_string().parse(), Ok(chaos)),
            Err(error) => assert!(error.to_string().contains('^')),
        }
    }
}

#[test]
fn every_fault_can_be_written() {
    let text = "drop=5%,stall=2s@1%,close=1012@30s,refuse=503:retry-after=7,rst=1%,mute=10s@1m";
    let chaos: Chaos = text.parse().unwrap();
    assert_eq!(chaos.faults.len(), 6);
    assert_eq!(chaos.to_string(), text);
    let quoted = "refuse=503:retry-after=\"Fri, 31 Dec 1999 23:59:59 GMT\":server=x@0.5%";
    assert_eq!(quoted.parse::<Chaos>().unwrap().to_string(), quoted);
}

#[test]
fn space_around_the_pieces_changes_nothing() {
    let spaced = " drop = 5% , stall = 2s @ 1m 30s , refuse = 302 : location = \"ws://a\" @ 20% ";
    let tight = "drop=5%,stall=2s@1m30s,refuse=302:location=\"ws://a\"@20%";
    assert_eq!(spaced.parse::<Chaos>(), tight.parse());
}

#[test]
fn an_error_points_at_the_bad_part() {
    let out_of_range = || Problem::Duration(span::NoSpan::OutOfRange);
    for (text, part, problem) in [
        (",", "", Problem::NoFault),
        ("drop=5%,", "", Problem::NoFault),
        ("drop=5%,stal=2s@1%", "stal", Problem::UnknownFault),
        ("drop", "drop", Problem::NoValue("drop=5%")),
        ("drop=", "", Problem::When),
        ("drop=often", "often", Problem::When),
        ("drop=101%", "101%", Problem::Chance),
        ("drop=0.00001%", "0.00001%", Problem::Chance),
        ("drop=-1%", "-1%", Problem::Chance),
        ("drop=.5%", ".5%", Problem::Chance),
        ("drop=0s", "0s", out_of_range()),
        ("mute=25h@1m", "25h", out_of_range()),
        ("rst=1%,stall=2s", "stall=2s", Problem::NoWhen("stall=2s".to_owned())),
        ("close=1005@30s", "1005", Problem::CloseCode),
        ("close=99999@30s", "99999", Problem::CloseCode),
        ("refuse=200", "200", Problem::Status),
        ("refuse=503:retry after=7", "retry after", Problem::HeaderName),
        ("refuse=503:content-length=7", "content-length", Problem::OwnHeader),
        ("refuse=503:retry-after", "retry-after", Problem::NoHeaderValue),
        ("refuse=302:location=\"ws://a", "\"ws://a", Problem::OpenQuote),
        ("refuse=503:server=ä", "ä", Problem::HeaderValue),
        ("refuse=503@30s", "30s", Problem::Chance),
        ("drop=5%@1%", "@1%", Problem::Unexpected),
    ] {
        let error = text.parse::<Chaos>().expect_err(text);
        assert_eq!(error.part(), (part, &problem), "{text}");
    }
}

#[test]
fn an_error_underlines_the_bad_part() {
    let error = "drop=5%,stal=2s@1%".parse::<Chaos>().unwrap_err().to_string();
    assert!(error.ends_with("\n\n  drop=5%,stal=2s@1%\n          ^^^^"), "{error}");
    let error = "refuse=503:server=ä:x".parse::<Chaos>().unwrap_err().to_string();
    assert!(error.ends_with("\n                    ^"), "{error}");
}
