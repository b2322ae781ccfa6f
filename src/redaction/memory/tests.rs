use super::super::scan::Budget;
use super::super::stand_in::base64_text;
use super::super::testing::{finding, redacted, redactor, text};
use super::super::{Redactor, layers};
use super::*;
use crate::cassette::{Cassette, Interaction};
use crate::inspect::Finding;

const SECRET: &str = "correct-horse & \"battery\"";

fn recording() -> Redactor {
    redactor().with_memory()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn placeholder(secret: &str) -> String {
    super::super::stand_in::StandIns::new(super::super::testing::SALT).text(secret)
}

fn understand(interaction: &Interaction) -> Finding {
    finding(&interaction.request, &interaction.response)
}

fn settled(redactor: &Redactor, interactions: Vec<Interaction>) -> (Cassette, Vec<String>) {
    let mut cassette = Cassette {
        interactions,
        ..Cassette::default()
    };
    let settlement = redactor.settle(&mut cassette, &understand);
    assert!(settlement.refused.is_empty());
    (cassette, settlement.notes)
}

#[test]
fn what_was_hidden_once_is_hidden_wherever_it_recurs() {
    let redactor = recording();
    redacted(&redactor, "{}", 200, &format!(r#"{{"spec":{}}}"#, quoted(SECRET)));
    let escaped = crate::redaction::scan::layers::percent_encoded(SECRET);
    let xml = "<a>correct-horse &amp; &quot;battery&quot;</a>";
    let nested = format!(r#"{{"dsn":{}}}"#, quoted(&format!("x {SECRET} y")));
    for spelled in [
        SECRET.to_owned(),
        format!("connect with {SECRET}!"),
        nested.clone(),
        format!("log: {nested}"),
        base64_text(nested.as_bytes()),
        base64_text(&crate::codec::content::gzip(nested.as_bytes())),
        format!("https://example.com/{escaped}/x?y={escaped}"),
        format!("a=b&c={escaped}"),
        xml.to_owned(),
    ] {
        let asked = format!(r#"{{"name":{},"plain":{{{}:"v"}}}}"#, quoted(&spelled), quoted(&spelled));
        let answered = format!(r#"{{"note":{}}}"#, quoted(&spelled));
        let taken = redacted(&redactor, &asked, 200, &answered);
        let body = |body| text(body).to_owned();
        for body in [body(taken.request.body()), body(taken.response.body())] {
            assert!(!body.contains("battery") && !body.contains(&spelled), "{spelled}: {body}");
            let value: serde_json::Value = serde_json::from_str(&body).unwrap();
            let shown = value["name"].as_str().or(value["note"].as_str()).unwrap().to_owned();
            let opened = layers::opened(&shown, &Budget::default(), &|_| true).unwrap_or(shown);
            assert!(opened.contains(&placeholder(SECRET)), "{spelled}: {opened}");
        }
        assert!(
            taken.redacted.iter().all(|place| place.rule == "known-values"),
            "{:?}",
            taken.redacted
        );
    }
}

#[test]
fn what_says_nothing_by_itself_is_hidden_only_where_it_was_given() {
    let redactor = recording();
    for value in [
        "database",
        "PAY_PER_REQUEST",
        "application/json",
        "us-east-1",
        "db.example.com:5432",
        "eni-0123456789abcdef0",
        "https://sqs.us-east-1.amazonaws.com/123456789012/orders",
        "short-1",
        "2020-01-31",
    ] {
        let given = redacted(&redactor, "{}", 200, &format!(r#"{{"spec":"{value}"}}"#));
        assert!(!text(given.response.body()).contains(value), "{value}");
        let asked = format!(r#"{{"name":"the {value} it is"}}"#);
        assert_eq!(text(redacted(&redactor, &asked, 200, "{}").request.body()), asked);
    }
}

#[test]
fn digits_are_not_found_in_the_midst_of_a_number() {
    let redactor = recording();
    redacted(&redactor, r#"{"spec":"20261126"}"#, 200, "{}");
    let later = redacted(&redactor, r#"{"name":"20261126 and 1202611267"}"#, 200, "{}");
    assert_eq!(
        text(later.request.body()),
        format!(r#"{{"name":"{} and 1202611267"}}"#, placeholder("20261126"))
    );
}

#[test]
fn the_strings_of_a_secret_document_are_known_one_by_one() {
    let redactor = recording();
    let document = r#"{"username":"app-user-7","password":"tr0ub4dor-and-3","port":5432}"#;
    redacted(&redactor, &format!(r#"{{"spec":{}}}"#, quoted(document)), 200, "{}");
    let later = redacted(&redactor, r#"{"name":"app-user-7:tr0ub4dor-and-3@db"}"#, 200, "{}");
    let expected = format!(
        r#"{{"name":"{}:{}@db"}}"#,
        placeholder("app-user-7"),
        placeholder("tr0ub4dor-and-3")
    );
    assert_eq!(text(later.request.body()), expected);
}

#[test]
fn what_was_recorded_before_a_value_was_known_is_hidden_at_the_seal() {
    let redactor = recording();
    let early = redacted(
        &redactor,
        r#"{"name":"tr0ub4dor-and-3!","arn":"481516234207"}"#,
        200,
        r#"{"note":"tr0ub4dor-and-3"}"#,
    );
    assert!(text(early.request.body()).contains("tr0ub4dor"));
    let given = redacted(&redactor, r#"{"accountId":"481516234207"}"#, 200, r#"{"spec":"tr0ub4dor-and-3"}"#);
    let (cassette, notes) = settled(&redactor, vec![early, given.clone()]);
    assert_eq!((notes, &cassette.redaction.plain), (Vec::new(), &Vec::new()));
    let hidden = placeholder("tr0ub4dor-and-3");
    let [early, later] = &cassette.interactions[..] else { panic!() };
    assert_eq!(
        text(early.request.body()),
        format!(r#"{{"name":"{hidden}!","arn":"000000000001"}}"#)
    );
    assert_eq!(text(early.response.body()), format!(r#"{{"note":"{hidden}"}}"#));
    let listed: Vec<String> = early
        .redacted
        .iter()
        .map(|place| format!("{} {}", place.path, place.rule))
        .collect();
    assert_eq!(
        listed,
        [
            "/request/body/name known-values",
            "/request/body/arn account-id",
            "/response/body/note known-values"
        ]
    );
    assert_eq!((later.response.body(), &later.redacted), (given.response.body(), &given.redacted));
}

#[test]
fn a_digest_that_came_before_its_value_was_known_follows_it() {
    const VALUE: &str = "tr0ub4dor-and-3";
    let redactor = recording();
    let md5 = |text: &str| crate::codec::digest::Digest::Md5Hex.of(text.as_bytes());
    let noted = |digest: &str| format!(r#"{{"note":"{digest}"}}"#);
    let alone = redacted(&redactor, "{}", 200, &noted(&md5(VALUE)));
    let early = redacted(&redactor, &format!(r#"{{"plain":{{"x":"{VALUE}"}}}}"#), 200, &noted(&md5(VALUE)));
    let given = redacted(&redactor, "{}", 200, &format!(r#"{{"spec":"{VALUE}"}}"#));
    let (cassette, _) = settled(&redactor, vec![alone, early, given]);
    let hidden = noted(&md5(&placeholder(VALUE)));
    let bodies: Vec<&str> = cassette.interactions[..2].iter().map(|taken| text(taken.response.body())).collect();
    assert_eq!(bodies, [&hidden, &hidden]);
}

#[test]
fn what_became_known_is_hidden_in_an_earlier_interaction_by_itself() {
    const VALUE: &str = "tr0ub4dor-and-3";
    let redactor = recording();
    let mut early = redacted(&redactor, &format!(r#"{{"name":"x {VALUE}!"}}"#), 200, "{}");
    let mut other = redacted(&redactor, r#"{"name":"nothing of it"}"#, 200, "{}");
    redacted(&redactor, "{}", 200, &format!(r#"{{"spec":"{VALUE}"}}"#));
    let finding = understand(&other);
    assert_eq!(redactor.hide_known(&mut other, &finding), Ok(false));
    let finding = understand(&early);
    assert_eq!(redactor.hide_known(&mut early, &finding), Ok(true));
    assert_eq!(text(early.request.body()), format!(r#"{{"name":"x {}!"}}"#, placeholder(VALUE)));
}

#[test]
fn a_value_that_other_calls_use_as_a_name_is_readable_again_at_the_seal() {
    let redactor = recording();
    let given = redacted(&redactor, r#"{"spec":"orders-table-1x2y"}"#, 200, r#"{"spec":"orders-table-1x2y"}"#);
    let used = redacted(
        &redactor,
        r#"{"name":"orders-table-1x2y"}"#,
        200,
        r#"{"arn":"table/orders-table-1x2y"}"#,
    );
    assert!(!text(used.request.body()).contains("orders"), "the journal hides it first");
    let (cassette, notes) = settled(&redactor, vec![given, used]);
    let bodies: Vec<&str> = cassette.interactions.iter().map(|taken| text(taken.response.body())).collect();
    assert_eq!(bodies, [r#"{"spec":"orders-table-1x2y"}"#, r#"{"arn":"table/orders-table-1x2y"}"#]);
    assert_eq!(cassette.redaction.plain, ["orders-table-1x2y"]);
    assert!(
        cassette.interactions[0].redacted.is_empty(),
        "{:?}",
        cassette.interactions[0].redacted
    );
    assert!(notes[0].starts_with("`orders-table-1x2y` was given where secrets are"), "{notes:?}");
}

#[test]
fn what_is_a_secret_for_sure_stays_hidden_even_where_names_are() {
    let redactor = recording();
    let given = redacted(&redactor, "{}", 200, r#"{"Credentials":{"SecretAccessKey":"abcdefgh12345678"}}"#);
    let used = redacted(&redactor, r#"{"name":"abcdefgh12345678"}"#, 200, "{}");
    let (cassette, _) = settled(&redactor, vec![given, used]);
    assert!(!text(cassette.interactions[1].request.body()).contains("abcdefgh"));
    assert!(cassette.redaction.plain.is_empty());
}

#[test]
fn however_many_values_are_known_each_is_built_into_few_finders() {
    let memory = Memory::default();
    for number in 0..1000 {
        memory.learn(&format!("secret-number-{number}"), &format!("<{number}>"), false);
    }
    assert!(memory.lock().finders.len() <= 11, "{}", memory.lock().finders.len());
    let hidden = memory.hide("secret-number-999, secret-number-99, secret-number-9");
    assert_eq!(hidden.as_deref(), Some("<999>, <99>, <9>"), "the longest counts");
    assert_eq!(memory.hide("nothing"), None);
}
