//! The credentials that an answer of AWS holds.
//!
//! A program that assumes a role signs its next calls with what it was given. At the endpoint door
//! those calls must be signed again, for the host that they go to, so the recorder remembers what
//! passes through it. Credentials are known by their members: every service that vends some (STS,
//! IAM, SSO, Cognito Identity, …) calls them alike.

use super::credentials::Keys;
use crate::value::Value;

/// All credentials in an output, in its order.
pub fn credentials_in(output: &Value) -> Vec<Keys> {
    let mut found = Vec::new();
    collect(output, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<Keys>) {
    match value {
        Value::Object(members) => {
            found.extend(credentials_of(members));
            members.iter().for_each(|(_, member)| collect(member, found));
        }
        Value::List(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// `secretKey` is Cognito's word; SSO writes its names in lower camel case.
fn credentials_of(members: &[(String, Value)]) -> Option<Keys> {
    let text = |names: &[&str]| {
        let is_named = |(name, _): &&(String, Value)| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let (_, value) = members.iter().rev().find(is_named)?;
        value.as_text().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Some(Keys::new(
        text(&["AccessKeyId"])?,
        text(&["SecretAccessKey", "SecretKey"])?,
        text(&["SessionToken"]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn credentials_are_found_however_a_service_spells_them() {
        let sts = object(&[
            ("AccessKeyId", text("ASIA1")),
            ("SecretAccessKey", text("one")),
            ("SessionToken", text("token")),
        ]);
        let cognito = object(&[("AccessKeyId", text("ASIA2")), ("SecretKey", text("two"))]);
        let sso = object(&[
            ("accessKeyId", text("ASIA3")),
            ("secretAccessKey", text("three")),
            ("sessionToken", text("")),
        ]);
        let output = object(&[("Credentials", sts), ("More", Value::List(vec![cognito, object(&[("role", sso)])]))]);
        let expected = [
            Keys::new("ASIA1", "one", Some("token".to_owned())),
            Keys::new("ASIA2", "two", None),
            Keys::new("ASIA3", "three", None),
        ];
        assert_eq!(credentials_in(&output), expected);
    }

    #[test]
    fn an_access_key_without_its_secret_is_none() {
        let listed = object(&[("AccessKeyId", text("AKIA1")), ("Status", text("Active"))]);
        assert_eq!(credentials_in(&listed), []);
        let odd = object(&[("AccessKeyId", text("AKIA1")), ("SecretAccessKey", Value::Integer(1))]);
        assert_eq!(credentials_in(&odd), []);
    }
}
