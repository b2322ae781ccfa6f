use super::*;
use proptest::prelude::*;

fn value_edit(pointer: &str, lexeme: &str) -> Edit {
    Edit {
        pointer: pointer.to_owned(),
        place: Place::Value,
        lexeme: lexeme.to_owned(),
    }
}

#[test]
fn compacting_removes_white_space_and_nothing_else() {
    let text = " {\n\"a\" : [ 1e2 , -0,\t0.10, \"\\u00e9\\/ x\" ] , \"a\":{ }, \"\\ud800\": [ ]\r\n} ";
    assert_eq!(compact(text).unwrap(), r#"{"a":[1e2,-0,0.10,"\u00e9\/ x"],"a":{},"\ud800":[]}"#);
    assert_eq!(compact(" null ").unwrap(), "null");
    assert_eq!(compact("{} {}").unwrap_err().offset, 3);
    assert_eq!(compact("[1,").unwrap_err().offset, 3);
}

#[test]
fn people_get_two_spaces_a_level_and_short_arrays_on_one_line() {
    let text = r#"{"h":[["content-type","application/x-amz-json-1.0"],["a","b"]],"e":{},"l":[],"o":{"n":[[],{"x":null}]}}"#;
    let wanted = r#"{
  "h": [
    ["content-type", "application/x-amz-json-1.0"],
    ["a", "b"]
  ],
  "e": {},
  "l": [],
  "o": {
    "n": [
      [],
      {
        "x": null
      }
    ]
  }
}"#;
    assert_eq!(respace(text, 0).unwrap(), wanted);
    assert_eq!(respace(wanted, 0).unwrap(), wanted);
    assert_eq!(
        respace(r#"{"a":{"b":1}}"#, 4).unwrap(),
        "{\n      \"a\": {\n        \"b\": 1\n      }\n    }"
    );
    assert_eq!(respace("7", 8).unwrap(), "7");
}

#[test]
fn an_array_that_starts_with_scalars_and_ends_with_a_container_is_broken() {
    assert_eq!(respace("[1,2,[3]]", 0).unwrap(), "[\n  1,\n  2,\n  [3]\n]");
}

#[test]
fn an_array_of_scalars_that_is_too_wide_is_broken() {
    let fits = format!("[\"{}\",1]", "é".repeat(93));
    assert_eq!(respace(&fits, 0).unwrap().chars().count(), 100);
    let wide = format!("[\"{}\",1]", "é".repeat(94));
    assert_eq!(respace(&wide, 0).unwrap().lines().count(), 4);
    assert_eq!(respace(&fits, 1).unwrap().lines().count(), 4);
}

#[test]
fn an_edit_replaces_every_occurrence_and_leaves_the_rest_alone() {
    let text = r#"{ "a": {"b": [1, {"c": 2}]}, "a": {"b": [ 1, 5 ]}, "x/y~": 1e0 }"#;
    let edited = replace(
        text,
        &[
            value_edit("/a/b/1", "\"new\""),
            value_edit("/x~1y~0", "0"),
            value_edit("/nowhere", "0"),
            value_edit("/a/b/01", "0"),
            Edit {
                pointer: "/a/b".to_owned(),
                place: Place::Key,
                lexeme: "\"B\"".to_owned(),
            },
        ],
    )
    .unwrap();
    assert_eq!(edited, r#"{ "a": {"B": [1, "new"]}, "a": {"B": [ 1, "new" ]}, "x/y~": 0 }"#);
}

#[test]
fn an_edit_of_the_root_replaces_the_document() {
    assert_eq!(replace(" [1, 2] ", &[value_edit("", "{}")]).unwrap(), " {} ");
    assert_eq!(replace("[1, 2]", &[value_edit("/0", "3")]).unwrap(), "[3, 2]");
}

#[test]
fn an_edit_behind_a_replaced_container_finds_its_place() {
    let edits = [value_edit("/0", "[]"), value_edit("/0/a", "9"), value_edit("/1/a", "8")];
    assert_eq!(replace(r#"[{"a":[1]},{"a":[1]}]"#, &edits).unwrap(), r#"[[],{"a":8}]"#);
}

#[test]
fn every_string_is_handed_out_decoded_with_its_place() {
    let mut seen = Vec::new();
    let mapped = map_strings(r#"{"k\u0065y": ["v", {"a/b": "\n"}], "n": 1e2}"#, &mut |place, text| {
        seen.push(format!("{} {:?} {text}", place.pointer, place.place));
        (text == "v" || text == "a/b").then(|| format!("<\"{text}\">"))
    })
    .unwrap();
    assert_eq!(mapped, r#"{"k\u0065y": ["<\"v\">", {"<\"a/b\">": "\n"}], "n": 1e2}"#);
    assert_eq!(
        seen,
        [
            "/key Key key",
            "/key/0 Value v",
            "/key/1/a~1b Key a/b",
            "/key/1/a~1b Value \n",
            "/n Key n"
        ]
    );
}

#[test]
fn a_string_is_written_with_the_escapes_that_it_needs() {
    let text = "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}é\u{2028}😀";
    assert_eq!(string(text), serde_json::to_string(text).unwrap());
    let mut out = b"x".to_vec();
    string_into("a\"", &mut out);
    assert_eq!(out, b"x\"a\\\"\"");
}

/// Documents as text, with lexemes that a decoded form would lose.
fn document() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(r#""\ud800""#.to_owned()),
        Just(r#""\u00e9\/""#.to_owned()),
        any::<String>().prop_map(|text| string(&text)),
    ];
    let number = prop::sample::select(vec!["1e2", "-0", "0.10", "100000000000000000000", "1E+400", "7"]);
    let scalar = prop_oneof![
        text.clone(),
        number.prop_map(str::to_owned),
        prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
    ];
    let space = prop::sample::select(vec!["", " ", "\n", " \t\r\n"]);
    scalar.prop_recursive(6, 64, 6, move |inner| {
        let joined = |items: Vec<String>, space: &str| items.join(&format!("{space},{space}"));
        let member = (text.clone(), space.clone(), inner.clone()).prop_map(|(key, space, value)| format!("{key}{space}:{space}{value}"));
        prop_oneof![
            (prop::collection::vec(inner, 0..6), space.clone())
                .prop_map(move |(items, space)| format!("[{space}{}{space}]", joined(items, space))),
            (prop::collection::vec(member, 0..6), space.clone())
                .prop_map(move |(members, space)| format!("{{{space}{}{space}}}", joined(members, space))),
        ]
    })
}

proptest! {
    #![proptest_config(crate::trials::cases(256))]

    #[test]
    fn spacing_out_and_compacting_is_the_same_as_compacting(text in document(), indent in 0usize..120) {
        let short = compact(&text).unwrap();
        let spaced = respace(&text, indent).unwrap();
        prop_assert_eq!(&compact(&spaced).unwrap(), &short);
        prop_assert_eq!(&respace(&short, indent).unwrap(), &spaced);
        prop_assert_eq!(&compact(&short).unwrap(), &short);
    }

    #[test]
    fn a_rewrite_without_changes_gives_the_text_back(text in document()) {
        prop_assert_eq!(&replace(&text, &[]).unwrap(), &text);
        prop_assert_eq!(&map_strings(&text, &mut |_, _| None).unwrap(), &text);
    }

    #[test]
    fn any_string_comes_back_from_its_lexeme(text in any::<String>()) {
        let lexeme = string(&text);
        prop_assert_eq!(serde_json::from_str::<String>(&lexeme).unwrap(), text);
    }

    #[test]
    fn mapping_strings_to_themselves_keeps_the_meaning(text in document()) {
        let mut before = Vec::new();
        let mapped = map_strings(&text, &mut |_, string| { before.push(string.to_owned()); Some(string.to_owned()) }).unwrap();
        let mut after = Vec::new();
        map_strings(&mapped, &mut |_, string| { after.push(string.to_owned()); None }).unwrap();
        prop_assert_eq!(before, after);
    }
}
