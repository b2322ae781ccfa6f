//! What may be written of an exchange, by whole interactions.

use super::testing::*;
use super::*;
use crate::contract::Rule as Constraint;
use http::header::HeaderValue;

fn listed(interaction: &Interaction) -> Vec<String> {
    interaction
        .redacted
        .iter()
        .map(|place| format!("{} {}", place.path, place.rule))
        .collect()
}

fn standing(value: &str) -> String {
    StandIns::new(SALT).text(value)
}

#[test]
fn sensitive_members_are_hidden_and_equal_ones_stay_equal() {
    let taken = redacted(
        &redactor(),
        r#"{ "name": "n", "spec": "hunter2" }"#,
        200,
        r#"{"spec": "hunter2","arn":"x"}"#,
    );
    let spec = standing("hunter2");
    assert_eq!(text(taken.request.body()), format!(r#"{{"name":"n","spec":"{spec}"}}"#));
    assert_eq!(text(taken.response.body()), format!(r#"{{"spec": "{spec}","arn":"x"}}"#));
    assert_eq!(
        listed(&taken),
        ["/request/body/spec sensitive-members", "/response/body/spec sensitive-members"]
    );
    assert_eq!((taken.service.as_deref(), taken.operation.as_deref()), (Some("STS"), Some("Put")));
}

#[test]
fn vended_credentials_are_hidden_and_never_expire() {
    let body = r#"{"Credentials":{"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"s","SessionToken":"t","Expiration":1.6E9}}"#;
    let taken = redacted(&redactor(), "{}", 200, body);
    let (id, secret, token) = (standing("ASIAIOSFODNN7EXAMPLE"), standing("s"), standing("t"));
    assert_eq!(
        text(taken.response.body()),
        format!(
            r#"{{"Credentials":{{"AccessKeyId":"{id}","SecretAccessKey":"{secret}","SessionToken":"{token}","Expiration":4102444799}}}}"#
        )
    );
    assert_eq!(
        listed(&taken),
        [
            "/response/body/Credentials/AccessKeyId credentials",
            "/response/body/Credentials/SecretAccessKey credentials",
            "/response/body/Credentials/SessionToken credentials",
            "/response/body/Credentials/Expiration credentials",
        ]
    );
}

#[test]
fn an_errors_message_stays_readable_with_ids_scrubbed() {
    let body = r#"{"__type":"Oops","message":"arn:aws:iam::481516234207:user/a may not; key AKIAIOSFODNN7SECRETS","detail":"hunter2"}"#;
    let taken = redacted(&redactor(), "{}", 400, body);
    let (id, detail) = (standing("AKIAIOSFODNN7SECRETS"), standing("hunter2"));
    assert_eq!(
        text(taken.response.body()),
        format!(r#"{{"__type":"Oops","message":"arn:aws:iam::000000000001:user/a may not; key {id}","detail":"{detail}"}}"#)
    );
    assert_eq!(
        listed(&taken),
        [
            "/response/body/message access-key-id",
            "/response/body/message account-id",
            "/response/body/detail sensitive-members"
        ]
    );
}

#[test]
fn secret_map_keys_blobs_numbers_and_duplicates_are_hidden() {
    let taken = redacted(
        &redactor(),
        r#"{"environment":{"A KEY":"v"},"blob":"aHVudGVyMg==","number":1234,"spec":"first","spec":"second"}"#,
        200,
        "{}",
    );
    let body = text(taken.request.body());
    for secret in ["A KEY", "\"v\"", "aHVudGVyMg", "1234,", "first", "second"] {
        assert!(!body.contains(secret), "{secret} in {body}");
    }
    let key = standing("A KEY");
    assert_eq!(
        listed(&taken),
        [
            format!("/request/body/environment/{key} sensitive-members"),
            "/request/body/blob sensitive-members".to_owned(),
            "/request/body/number sensitive-members".to_owned(),
            "/request/body/spec sensitive-members".to_owned(),
        ]
    );
}

#[test]
fn accounts_are_numbered_by_first_appearance_and_renamed_everywhere() {
    let redactor = redactor();
    let taken = redacted(
        &redactor,
        r#"{"name":"bucket-210987654321-x","accountId":"481516234207"}"#,
        200,
        r#"{"arn":"arn:aws:iam::210987654321:role/x"}"#,
    );
    assert_eq!(
        text(taken.request.body()),
        r#"{"name":"bucket-000000000002-x","accountId":"000000000001"}"#
    );
    assert_eq!(text(taken.response.body()), r#"{"arn":"arn:aws:iam::000000000002:role/x"}"#);
    let later = redacted(&redactor, r#"{"accountId":"210987654321","name":"order 481516234207"}"#, 200, "{}");
    assert_eq!(
        text(later.request.body()),
        r#"{"accountId":"000000000002","name":"order 000000000001"}"#
    );
}

#[test]
fn an_account_that_was_recognized_once_is_one_in_every_later_word() {
    let redactor = redactor();
    redacted(&redactor, "{}", 200, r#"{"arn":"arn:aws:iam::481516234207:role/x"}"#);
    let token = super::stand_in::base64_text(br#"{"after":"481516234207"}"#);
    let asked = format!(r#"{{"name":"assets-481516234207-us-east-1","arn":"{token}","items":[{{"value":"{{\"n\":481516234207}}"}}]}}"#);
    let later = redacted(&redactor, &asked, 200, r#"{"arn":"x481516234207 1481516234207"}"#);
    let token = super::stand_in::base64_text(br#"{"after":"000000000001"}"#);
    assert_eq!(
        text(later.request.body()),
        format!(r#"{{"name":"assets-000000000001-us-east-1","arn":"{token}","items":[{{"value":"{{\"n\":100000000001}}"}}]}}"#),
        "a number in JSON does not begin with a zero"
    );
    assert_eq!(
        text(later.response.body()),
        r#"{"arn":"x481516234207 1481516234207"}"#,
        "no words of twelve digits"
    );
}

#[test]
fn account_ids_of_documentation_and_emulators_stay() {
    let redactor = redactor();
    let answered = r#"{"arn":"arn:aws:iam::123456789012:role/x","token":"111122223333"}"#;
    let taken = redacted(&redactor, r#"{"accountId":"444455556666"}"#, 200, answered);
    assert_eq!(text(taken.request.body()), r#"{"accountId":"444455556666"}"#);
    assert_eq!(text(taken.response.body()), answered);
    assert!(taken.redacted.is_empty());
}

#[test]
fn accounts_have_the_same_numbers_when_recorded_again_and_when_a_replay_is_recorded() {
    let (asked, answered) = (
        r#"{"arn":"arn:aws:iam::481516234207:role/x"}"#,
        r#"{"arns":["arn:aws:iam::481516234207:role/x","arn:aws:iam::210987654321:role/y"]}"#,
    );
    let once = redacted(&redactor(), asked, 200, answered);
    assert_eq!(
        text(once.response.body()),
        r#"{"arns":["arn:aws:iam::000000000001:role/x","arn:aws:iam::000000000002:role/y"]}"#
    );
    let after = || redactor_after(std::slice::from_ref(&once));
    let again = redacted(&after(), asked, 200, answered);
    let replayed = redacted(&after(), asked, 200, text(once.response.body()));
    for other in [again, replayed] {
        assert_eq!(other.request.body(), once.request.body());
        assert_eq!(other.response.body(), once.response.body());
        assert_eq!(other.redacted, once.redacted);
    }
    let chained = redacted(&after(), r#"{"arn":"arn:aws:iam::000000000007:role/x"}"#, 200, answered);
    assert_eq!(
        text(chained.response.body()),
        r#"{"arns":["arn:aws:iam::000000000008:role/x","arn:aws:iam::000000000009:role/y"]}"#
    );
}

#[test]
fn headers_and_uri_are_cleaned_and_checksums_follow() {
    let mut request = request("{}");
    *request.uri_mut() = "https://481516234207.s3.amazonaws.com/?X-Amz-Signature=0a0b0c0d".parse().unwrap();
    request.headers_mut().insert("x-api-key", HeaderValue::from_static("hunter2"));
    let mut response = response(200, r#"{"spec":"s"}"#);
    response.headers_mut().insert("x-amz-crc32", HeaderValue::from_static("1"));
    response
        .headers_mut()
        .insert("location", HeaderValue::from_static("https://b/?X-Amz-Security-Token=hunter2"));
    let finding = finding(&request, &response);
    let taken = redactor().redact(&request, &response, &finding, 2).unwrap();
    assert_eq!(
        taken.request.uri().to_string(),
        format!("https://000000000001.s3.amazonaws.com/?X-Amz-Signature={}", standing("0a0b0c0d"))
    );
    assert_eq!(taken.request.headers()["x-api-key"], standing("hunter2"));
    assert_eq!(
        taken.response.headers()["location"],
        format!("https://b/?X-Amz-Security-Token={}", standing("hunter2"))
    );
    assert_eq!(
        taken.response.headers()["x-amz-crc32"],
        crc32fast::hash(taken.response.body()).to_string()
    );
    assert_eq!(taken.attempt, 2);
    assert_eq!(
        listed(&taken),
        [
            "/request/uri aws-signature",
            "/request/uri account-id",
            "/request/headers/x-api-key credentials",
            "/response/headers/location session-token",
            "/response/body/spec sensitive-members",
        ]
    );
}

#[test]
fn a_header_whose_name_says_so_is_hidden_in_either_direction() {
    let (mut request, mut response) = (request("{}"), response(200, "{}"));
    for headers in [request.headers_mut(), response.headers_mut()] {
        headers.insert("x-db-password", HeaderValue::from_static("hunter2"));
        headers.insert("cookie", HeaderValue::from_static("hunter2"));
        headers.insert("x-note", HeaderValue::from_static("hunter2"));
    }
    let finding = finding(&request, &response);
    let taken = redactor().redact(&request, &response, &finding, 1).unwrap();
    assert_eq!(
        listed(&taken),
        [
            "/request/headers/x-db-password secret-forms",
            "/response/headers/x-db-password secret-forms",
            "/response/headers/cookie credentials",
        ]
    );
    assert_eq!(taken.response.headers()["x-db-password"], standing("hunter2"));
}

#[test]
fn the_constraints_that_the_true_value_broke_are_told() {
    let (request, response) = (request(r#"{"pin":"123","spec":"s"}"#), response(200, "{}"));
    let mut finding = finding(&request, &response);
    if let Some(judged) = &mut finding.request {
        judged.violations = vec![departure("/pin", Constraint::Length), departure("/spec", Constraint::Required)];
        judged.lints = vec![departure("/pin", Constraint::Pattern)];
    }
    let taken = redactor().redact(&request, &response, &finding, 1).unwrap();
    assert_eq!(taken.redacted[0].breaks, ["length", "pattern"]);
    assert!(taken.redacted[1].breaks.is_empty());
}

#[test]
fn the_ids_of_nobodys_account_stay() {
    for id in ["123456789012", "000000000000", "111111111111", "111122223333"] {
        let answered = format!(r#"{{"arn":"arn:aws:iam::{id}:role/x"}}"#);
        let taken = super::testing::redacted(&redactor(), "{}", 200, &answered);
        assert_eq!(text(taken.response.body()), answered);
    }
}

#[test]
fn the_ids_of_accounts_stay_where_the_user_keeps_them() {
    let asked = r#"{"arn":"arn:aws:iam::481516234207:role/x"}"#;
    let answered = r#"{"arn":"arn:aws:iam::481516234207:role/y"}"#;
    let written = |redaction: &Redaction| {
        let redactor = Redactor::new(redaction, &mut [].into_iter());
        let taken = super::testing::redacted(&redactor, asked, 200, answered);
        (text(taken.request.body()).to_owned(), text(taken.response.body()).to_owned())
    };
    let hidden = |text: &str| text.replace("481516234207", "000000000001");
    assert_eq!(written(&redaction()), (hidden(asked), hidden(answered)));
    let mut at_a_place = redaction();
    at_a_place.keep = vec!["Put:/arn".to_owned()];
    assert_eq!(written(&at_a_place), (asked.to_owned(), answered.to_owned()));
    let mut all = redaction();
    all.keeps_accounts = true;
    assert_eq!(written(&all), (asked.to_owned(), answered.to_owned()));
}

#[test]
fn what_the_user_keeps_stays_readable() {
    let mut redaction = redaction();
    redaction.keep = vec!["Put:/spec".to_owned(), "Put:/environment/*".to_owned()];
    let redactor = Redactor::new(&redaction, &mut std::iter::empty());
    let body = r#"{"spec":"readable","environment":{"A":"b"},"pin":"12345678"}"#;
    let taken = redacted(&redactor, body, 200, "{}");
    assert_eq!(listed(&taken), ["/request/body/pin sensitive-members"]);
    assert!(text(taken.request.body()).starts_with(r#"{"spec":"readable","environment":{"A":"b"},"pin":"#));
}

#[test]
fn a_plain_value_in_a_loaded_cassette_is_hidden_and_told() {
    let redactor = redactor();
    let mut taken = redacted(&redactor, r#"{"spec":"one","pin":"12345678"}"#, 200, r#"{"spec":"two"}"#);
    let before = taken.clone();
    let finding_of = |interaction: &Interaction| finding(&interaction.request, &interaction.response);
    assert!(redactor.redact_loaded(&mut taken, &finding_of(&before)).is_empty());
    assert_eq!(taken.request.body(), before.request.body());
    *taken.response.body_mut() = Bytes::from_static(br#"{"spec": "edited"}"#);
    let edited = finding_of(&taken);
    let mut unlisted = taken.clone();
    unlisted.redacted.clear();
    assert_eq!(
        redactor.redact_loaded(&mut unlisted, &edited),
        [
            "`/request/body/pin` stood in plain text and is hidden",
            "`/response/body/spec` stood in plain text and is hidden"
        ]
    );
    assert_eq!(text(unlisted.response.body()), format!(r#"{{"spec": "{}"}}"#, standing("edited")));
    // The list of redacted places says that a stand-in is there; its mark says otherwise.
    assert_eq!(
        redactor.redact_loaded(&mut taken, &edited),
        ["`/response/body/spec` stood in plain text and is hidden"]
    );
}

#[test]
fn redacting_twice_is_redacting_once() {
    let asked = r#"{"spec":"s","pin":"12345678","code":"ABC-123456","number":77,"blob":"aGVsbG8gd29ybGQhIQ==","environment":{"K":"v"},"items":[{"password":"p"}],"arn":"arn:aws:iam::481516234207:role/x"}"#;
    let once = redacted(
        &redactor(),
        asked,
        200,
        r#"{"spec":"s","token":"6f7d2a0e-0b8a-4f4e-9d0c-0d3f1d2b9a11"}"#,
    );
    let again = redactor_after(std::slice::from_ref(&once));
    let twice = redacted(&again, text(once.request.body()), 200, text(once.response.body()));
    assert_eq!(twice.request.body(), once.request.body());
    assert_eq!(twice.response.body(), once.response.body());
    assert_eq!(listed(&twice), listed(&once));
}

#[test]
fn a_recording_of_a_replay_lists_the_texts_that_held_secrets() {
    let token = format!("IQoJb3JpZ2lu{}", "abcXYZ0189".repeat(12));
    let asked = format!(r#"{{"note":"key AKIAIOSFODNN7SECRETS","note2":"token {token} of arn:aws:iam::481516234207:role/x"}}"#);
    let answered = r#"{"url":"https://user:hunter2hunter2@example.com/"}"#;
    let once = redacted(&redactor(), &asked, 200, answered);
    assert_eq!(
        listed(&once),
        [
            "/request/body/note access-key-id",
            "/request/body/note2 session-token",
            "/request/body/note2 account-id",
            "/response/body/url secret-forms"
        ]
    );
    let after = redactor_after(std::slice::from_ref(&once));
    let again = redacted(&after, text(once.request.body()), 200, text(once.response.body()));
    assert_eq!(again.request.body(), once.request.body());
    assert_eq!(again.redacted, once.redacted);
}

#[test]
fn a_body_whose_encoding_hides_it_is_not_written() {
    let request = request("{}");
    let mut response = response(200, "{}");
    response.headers_mut().insert("content-encoding", HeaderValue::from_static("br"));
    let finding = finding(&request, &response);
    let leak = redactor().redact(&request, &response, &finding, 1).unwrap_err();
    assert_eq!(
        leak.to_string(),
        "response: content encoding `br` is not known; ask for `gzip`, `deflate` or `identity`, so its secrets cannot be seen and the interaction is not written"
    );
}

#[test]
fn a_secret_in_a_finished_interaction_is_a_leak() {
    let mut taken = redacted(&redactor(), "{}", 200, "{}");
    assert!(scan::leaks(&taken, &[]).is_empty());
    *taken.response.body_mut() = Bytes::from_static(br#"{"a":["AKIAIOSFODNN7SECRETS"]}"#);
    let leaks = scan::leaks(&taken, &[]);
    assert_eq!(
        leaks.iter().map(Leak::to_string).collect::<Vec<_>>(),
        ["`/response/body/a/0` would still hold a secret (rule `access-key-id`), so the interaction is not written"]
    );
}

#[test]
fn a_body_that_cannot_be_decoded_is_searched_by_form() {
    let request = request_of("NoSuchOperation", r#"{ "Password": "hunter2", "n": ["AKIAIOSFODNN7SECRETS"] }"#);
    let response = response(400, "secret_key=hunter2");
    let finding = finding(&request, &response);
    let taken = redactor().redact(&request, &response, &finding, 1).unwrap();
    let (secret, id) = (standing("hunter2"), standing("AKIAIOSFODNN7SECRETS"));
    let asked = format!(r#"{{ "Password": "{secret}", "n": ["{id}"] }}"#);
    assert_eq!(
        text(taken.request.body()),
        asked,
        "white space may say something to whom nobody knows"
    );
    assert_eq!(text(taken.response.body()), format!("secret_key={secret}"));
    assert_eq!(
        listed(&taken),
        [
            "/request/body/Password secret-forms",
            "/request/body/n/0 access-key-id",
            "/response/body secret-forms"
        ]
    );
}

#[test]
fn protons_spec_is_hidden_alike_in_both_directions_and_its_error_message_is_not() {
    let catalog = crate::model::catalog::Catalog::built_in().unwrap();
    let redact = |status: u16, asked: &str, answered: &str| {
        let request = http::Request::post("https://proton.us-east-1.amazonaws.com/")
            .header("x-amz-target", "AwsProton20200720.CreateServiceInstance")
            .header("content-type", "application/x-amz-json-1.0")
            .body(Bytes::from(asked.to_owned()))
            .unwrap();
        let response = response(status, answered);
        let exchange = crate::wire::Exchange {
            request: Some(request.clone()),
            response: Some(response.clone()),
        };
        redactor()
            .redact(&request, &response, &crate::inspect::inspect(&catalog, &exchange), 1)
            .unwrap()
    };
    let asked = r#"{"name":"n","serviceName":"s","spec":"proton: v1"}"#;
    let spec = standing("proton: v1");
    let made = redact(200, asked, r#"{"serviceInstance":{"name":"n","spec":"proton: v1"}}"#);
    assert_eq!(
        text(made.request.body()),
        format!(r#"{{"name":"n","serviceName":"s","spec":"{spec}"}}"#)
    );
    assert_eq!(
        text(made.response.body()),
        format!(r#"{{"serviceInstance":{{"name":"n","spec":"{spec}"}}}}"#)
    );
    let refused = r#"{"__type":"ConflictException","message":"n exists"}"#;
    assert_eq!(text(redact(409, asked, refused).response.body()), refused);
}

#[test]
fn a_secret_of_the_run_itself_is_never_written() {
    let mut redactor = redactor();
    redactor.never_write(["run/token+1".to_owned(), "short".to_owned()]);
    for (body, is_written) in [
        (r#"{"name":"a run/token+1"}"#, false),
        (r#"{"name":"run%2Ftoken%2B1"}"#, false),
        (r#"{"name":"cnVuL3Rva2VuKzE="}"#, false),
        (r#"{"name":"short"}"#, true),
        (r#"{"spec":"run/token+1"}"#, true),
    ] {
        let (request, response) = (request(body), response(200, "{}"));
        let taken = redactor.redact(&request, &response, &finding(&request, &response), 1);
        assert_eq!(taken.is_ok(), is_written, "{body}");
    }
}

#[test]
fn hidden_names_of_a_cassette_are_known_again_whatever_their_pattern() {
    let variables: Vec<String> = (0..20).map(|number| format!(r#""n1a2m3e4_{number}":"v""#)).collect();
    let asked = format!(r#"{{"variables":{{{}}},"codes":{{"ABC-123456":"v"}}}}"#, variables.join(","));
    let mut taken = redacted(&redactor(), &asked, 200, "{}");
    let written = text(taken.request.body()).to_owned();
    assert!(!written.contains("n1a2m3e4_") && !written.contains("ABC-123456"), "{written}");
    let understood = finding(&taken.request, &taken.response);
    assert_eq!(understood.request.as_ref().unwrap().violations, [], "{written}");
    let lints = redactor_after(&[taken.clone()]).redact_loaded(&mut taken, &understood);
    assert_eq!(lints, [""; 0]);
    assert_eq!(text(taken.request.body()), written);
    let again = redacted(&redactor(), &written, 200, "{}");
    let names = |body: &str| input(body).member("variables").cloned();
    assert_eq!(
        names(text(again.request.body())),
        names(&written),
        "marked names stand for themselves"
    );
}
