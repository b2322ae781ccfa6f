//! What names hide in messages of a model, beside texts: numbers, and items of commands.

use super::testing::*;
use super::*;

fn standing(value: &str) -> String {
    StandIns::new(SALT).text(value)
}

#[test]
fn a_number_that_is_named_like_a_secret_is_hidden_in_cbor_and_matches() {
    // `{"name": "n", "cardPin": 4711, "pins": 4711}`
    let body = [
        b"\xa3\x64name\x61n\x67cardPin\x19".as_slice(),
        &[0x12, 0x67],
        b"\x64pins\x19",
        &[0x12, 0x67],
    ]
    .concat();
    let mut request = request("");
    *request.body_mut() = Bytes::from(body);
    let cbor = http::HeaderValue::from_static("application/x-amz-cbor-1.1");
    request.headers_mut().insert("content-type", cbor);
    let response = response(200, "{}");
    let taken = redactor().redact(&request, &response, &finding(&request, &response), 1).unwrap();
    let read = |request: &Request| {
        let call = call("Put");
        call.protocol.decode_request(&call.service, call.operation, request).unwrap()
    };
    let written = read(&taken.request);
    let pin = written.member("cardPin").cloned().unwrap();
    assert!(stand_in::is_marked(&pin) && matches!(pin, Value::Integer(_)), "{pin:?}");
    assert_eq!(written.member("pins"), Some(&Value::Integer(4711)));
    assert_eq!(taken.redacted.len(), 1, "{:?}", taken.redacted);
    let again = redactor()
        .redact(&taken.request, &response, &finding(&taken.request, &response), 1)
        .unwrap();
    assert_eq!(read(&again.request), written);
}

#[test]
fn what_stands_behind_an_option_in_a_list_of_the_model_is_hidden() {
    let taken = redacted(
        &redactor(),
        r#"{"tags":["psql","--password","x","-u","me:S3cretS3cret"]}"#,
        200,
        "{}",
    );
    let written = input(text(taken.request.body()));
    let Some(Value::List(items)) = written.member("tags") else {
        panic!("{written:?}")
    };
    let items: Vec<&str> = items.iter().filter_map(Value::as_text).collect();
    assert_eq!(items[..2], ["psql", "--password"]);
    assert_eq!(items[2], standing("x"));
    assert_eq!(items[4], format!("me:{}", standing("S3cretS3cret")));
    let again = redacted(&redactor(), text(taken.request.body()), 200, "{}");
    assert_eq!(text(again.request.body()), text(taken.request.body()));
}
