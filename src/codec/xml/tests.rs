use super::*;
use crate::codec::json;
use crate::model::load;
use crate::model::schema::{Service, ShapeIndex};
use crate::value::{Side, Value};

fn service() -> Service {
    let string = r#"{"target": "smithy.api#String"}"#;
    let model = format!(
        r##"{{"smithy": "2.0", "shapes": {{
        "a#S": {{"type": "service", "version": "1", "operations": [{{"target": "a#Do"}}], "traits": {{"smithy.api#xmlNamespace": {{"uri": "http://s"}}}}}},
        "a#Do": {{"type": "operation", "input": {{"target": "a#In"}}}},
        "a#In": {{"type": "structure", "members": {{
            "text": {string}, "kind": {{"target": "smithy.api#String", "traits": {{"smithy.api#xmlAttribute": {{}}, "smithy.api#xmlName": "xsi:type"}}}},
            "on": {{"target": "smithy.api#Boolean"}}, "count": {{"target": "smithy.api#Integer", "traits": {{"smithy.api#xmlName": "N"}}}},
            "ratio": {{"target": "smithy.api#Double"}}, "data": {{"target": "smithy.api#Blob"}}, "at": {{"target": "smithy.api#Timestamp"}},
            "list": {{"target": "a#List"}}, "items": {{"target": "a#Items", "traits": {{"smithy.api#xmlNamespace": {{"uri": "http://i", "prefix": "p"}}}}}},
            "flat": {{"target": "a#List", "traits": {{"smithy.api#xmlFlattened": {{}}, "smithy.api#xmlName": "Flat"}}}},
            "map": {{"target": "a#Map"}}, "flatMap": {{"target": "a#Map", "traits": {{"smithy.api#xmlFlattened": {{}}}}}},
            "inner": {{"target": "a#In"}}, "either": {{"target": "a#Either"}}, "held": {{"target": "a#Held"}} }} }},
        "a#Held": {{"type": "structure", "members": {{
            "flat": {{"target": "a#List", "traits": {{"smithy.api#xmlFlattened": {{}}, "smithy.api#required": {{}}}}}},
            "flatMap": {{"target": "a#Map", "traits": {{"smithy.api#xmlFlattened": {{}}, "smithy.api#required": {{}}}}}},
            "list": {{"target": "a#List", "traits": {{"smithy.api#required": {{}}}}}} }} }},
        "a#List": {{"type": "list", "member": {string}}},
        "a#Items": {{"type": "list", "member": {{"target": "a#In", "traits": {{"smithy.api#xmlName": "item"}}}}}},
        "a#Map": {{"type": "map", "key": {{"target": "smithy.api#String", "traits": {{"smithy.api#xmlName": "K"}}}}, "value": {{"target": "smithy.api#Long"}}}},
        "a#Either": {{"type": "union", "members": {{"one": {string}, "two": {{"target": "a#In"}}}}}} }}}}"##
    );
    load(model.as_bytes(), "test").unwrap().remove(0)
}

fn input(service: &Service) -> ShapeIndex {
    service.operations[0].input
}

/// What a document decodes to, as JSON.
fn decoded(document: &str) -> String {
    let service = service();
    let value = decode(&service, input(&service), &parse(document.as_bytes()).unwrap(), Side::Response);
    let mut out = String::new();
    json::write(&value, &mut out);
    out
}

fn refused(document: impl AsRef<[u8]>) -> String {
    parse(document.as_ref()).unwrap_err().to_string()
}

#[test]
fn every_type_is_read_from_text() {
    assert_eq!(
        decoded(
            "<In><text> a\n</text><on>true</on><N> 12 </N><ratio>-Infinity</ratio><data>Zm9v</data><at>1970-01-01T00:00:01.5Z</at></In>"
        ),
        r#"{"text":" a\n","on":true,"count":12,"ratio":"-Infinity","data":"Zm9v","at":1.5}"#
    );
    assert_eq!(
        decoded("<In><on>yes</on><N/><text/><data/><at>soon</at></In>"),
        r#"{"on":"yes","count":"","text":"","data":"","at":"soon"}"#
    );
}

#[test]
fn lists_and_maps_are_read_wrapped_and_flattened_and_empty() {
    assert_eq!(
        decoded("<In><Flat>a</Flat><list><member>x</member><other/><member/></list><Flat>b</Flat></In>"),
        r#"{"flat":["a","b"],"list":["x",""]}"#
    );
    assert_eq!(
        decoded(
            "<In><map><entry><K>a</K><value>1</value></entry><entry><K>b</K></entry></map><flatMap><value>2</value><K>c</K></flatMap></In>"
        ),
        r#"{"map":{"a":1,"b":null},"flatMap":{"c":2}}"#
    );
    assert_eq!(
        decoded("<In><list/><map>\n</map><items></items></In>"),
        r#"{"list":[],"map":{},"items":[]}"#
    );
    assert_eq!(decoded("<In/>"), "{}");
}

#[test]
fn a_flattened_collection_that_must_be_there_and_left_no_element_is_empty() {
    assert_eq!(decoded("<In><held/></In>"), r#"{"held":{"flat":[],"flatMap":{}}}"#);
    assert_eq!(
        decoded("<In><held><flat>a</flat></held></In>"),
        r#"{"held":{"flat":["a"],"flatMap":{}}}"#
    );
}

#[test]
fn structures_nest_and_unions_hold_what_they_hold() {
    assert_eq!(
        decoded("<In><items><item><text>a</text></item></items><either><two><inner/></two></either></In>"),
        r#"{"items":[{"text":"a"}],"either":{"two":{"inner":{}}}}"#
    );
}

#[test]
fn attributes_are_members_and_namespaces_are_not() {
    assert_eq!(
        decoded(r#"<p:In xmlns:p="x" xmlns="y" xmlns:xsi="z" xsi:type="a&quot;b" other="c"><p:text>t</p:text></p:In>"#),
        r#"{"kind":"a\"b","text":"t"}"#
    );
}

#[test]
fn unknown_elements_are_kept_and_never_taken_for_a_renamed_member() {
    assert_eq!(
        decoded("<In><new><a>1</a><a>2</a></new><count>3</count></In>"),
        r#"{"new":{"a":"1","a":"2"},"unknown:count":"3"}"#
    );
}

#[test]
fn character_data_is_put_together_from_all_its_forms() {
    assert_eq!(
        decoded("<?xml version=\"1.0\"?>\n<!-- c --><In><text>a&lt;&#x42;<!-- c --><![CDATA[<c>&amp;]]>\r\nd</text></In>\n"),
        r#"{"text":"a<B<c>&amp;\nd"}"#
    );
}

#[test]
fn what_is_not_xml_is_refused_with_the_place() {
    assert_eq!(refused(""), "there is no element at byte 0 (line 1, column 1)");
    assert_eq!(
        refused("<a>\n <b></a>"),
        "ill-formed document: expected `</b>`, but `</a>` was found at byte 8 (line 2, column 5)"
    );
    assert_eq!(
        refused("<a><b>"),
        "the document ends before `b` is closed at byte 6 (line 1, column 7)"
    );
    assert_eq!(refused("<a/><b/>"), "a second root element at byte 4 (line 1, column 5)");
    assert_eq!(refused("{}"), "text outside the root element at byte 0 (line 1, column 1)");
    assert!(refused(b"<a>\xff</a>").starts_with("invalid UTF-8 at byte 3"));
    assert!(refused("<a b='1' b='2'/>").contains("duplicate"));
    assert!(refused("<a>&nbsp;</a>").contains("`&nbsp;`"));
    assert!(refused("<a b='&nbsp;'/>").contains("nbsp"));
    assert!(refused("<a>&</a>").contains("at byte 3"));
}

#[test]
fn nothing_is_declared_fetched_or_expanded() {
    let entity = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>";
    assert!(refused(entity).starts_with("a document type declaration"));
    let deep = format!("{}{}", "<a>".repeat(MAX_DEPTH + 1), "</a>".repeat(MAX_DEPTH + 1));
    assert!(refused(deep).starts_with("elements are nested more than 512 deep"));
    let fits = format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
    assert!(parse(fits.as_bytes()).is_ok());
}

#[test]
fn the_deepest_document_is_read_within_the_stack() {
    for name in ["inner", "unknown"] {
        let document = format!(
            "{}{}",
            format!("<{name}>").repeat(MAX_DEPTH),
            format!("</{name}>").repeat(MAX_DEPTH)
        );
        let depth = decoded(&document).matches(name).count();
        assert_eq!(depth, MAX_DEPTH - 1);
    }
}

#[test]
fn an_element_knows_where_its_content_lies() {
    let document = "<a><b x='1'>one &amp; two</b><c/></a>";
    let root = parse(document.as_bytes()).unwrap();
    assert_eq!(&document[root.descend(&["b"]).unwrap().content.clone()], "one &amp; two");
    assert_eq!(root.child("b").unwrap().attributes[0], ("x", "1".into()));
    assert!(root.child("c").unwrap().content.is_empty());
    assert_eq!(root.descend(&["b", "c"]), None);
}

#[test]
fn what_is_written_is_read_back() {
    let service = service();
    let shape = input(&service);
    let text = r#"{"kind":"<k>","text":"a & <b>","on":false,"count":-3,"ratio":0.5,"data":"Zm9v","at":1.5,"list":["x"],"items":[{"text":"i"},{}],"flat":["a","b"],"map":{"a":1},"flatMap":{"c":2},"inner":{"inner":{}},"either":{"one":"1"}}"#;
    let value = json::decode(
        &service,
        shape,
        text.as_bytes(),
        Side::Request,
        crate::model::schema::TimestampFormat::EpochSeconds,
    )
    .unwrap();
    let mut encoder = Encoder::new(&service);
    encoder.element(root_name(service.shape(shape)), namespace(&service, shape), shape, &value);
    let document = encoder.finish();
    assert_eq!(
        document,
        concat!(
            r#"<In xmlns="http://s" xsi:type="&lt;k&gt;"><text>a &amp; &lt;b&gt;</text><on>false</on><N>-3</N><ratio>0.5</ratio><data>Zm9v</data>"#,
            r#"<at>1970-01-01T00:00:01.5Z</at><list><member>x</member></list><items xmlns:p="http://i"><item><text>i</text></item><item></item></items>"#,
            r#"<Flat>a</Flat><Flat>b</Flat><map><entry><K>a</K><value>1</value></entry></map><flatMap><K>c</K><value>2</value></flatMap>"#,
            r#"<inner><inner></inner></inner><either><one>1</one></either></In>"#
        )
    );
    let back = decode(&service, shape, &parse(document.as_bytes()).unwrap(), Side::Response);
    assert_eq!(back, value);
}

#[test]
fn a_name_that_no_element_may_have_is_never_written() {
    let service = service();
    let value = Value::Object(vec![
        ("a b><c".to_owned(), Value::Bool(true)),
        ("other".to_owned(), Value::Text("<".to_owned())),
    ]);
    let mut encoder = Encoder::new(&service);
    encoder.members(input(&service), &value);
    assert_eq!(encoder.finish(), "<other>&lt;</other>");
}
