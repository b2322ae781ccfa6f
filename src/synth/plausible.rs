//! What people expect of an answer where the model leaves it open: which optional members are
//! there, what a name, an id, an ARN or a status looks like. Only taste lives here; whether a
//! candidate is valid, others decide.

use super::echo::Echo;
use super::words::{ends_with_word, has_word, initials, kebab, resource};
use super::{ACCOUNT, Setting};
use crate::model::schema::{EnumValue, Member, Service, Shape, ShapeKind};

/// Words of members that tell of a past or a trouble that a fresh answer has not got, or that would
/// make a client ask for more.
const ABSENT: [&str; 12] = [
    "token", "marker", "error", "fail", "reason", "message", "delet", "succeed", "expir", "cancel", "next", "password",
];

/// Whether an optional member of an output, which the input says nothing of, is expected there.
/// `owner` is the name of the structure that it is a member of.
pub(super) fn expected(member: &Member, target: &Shape, owner: &str, at_the_top: bool) -> bool {
    if ABSENT.iter().any(|word| has_word(&member.name, word)) {
        return false;
    }
    match &target.kind {
        // At the top the result itself; below it what only some resources have.
        ShapeKind::Structure(_) => at_the_top,
        ShapeKind::String(Some(_)) => true,
        ShapeKind::Timestamp => ["creat", "start", "updat", "modif", "last"]
            .iter()
            .any(|word| has_word(&member.name, word)),
        ShapeKind::Boolean => is_on(&member.name),
        ShapeKind::String(None) => ends_with_word(&member.name, "id") || is_own_arn(&member.name, owner),
        _ => false,
    }
}

/// `arn`, and `TableArn` of a `TableDescription`; a role's or a key's is another resource's.
fn is_own_arn(name: &str, owner: &str) -> bool {
    let name = kebab(name);
    let described = name.strip_suffix("arn").map(|rest| rest.trim_end_matches('-'));
    described.is_some_and(|described| kebab(owner).starts_with(described))
}

/// A flag that is set on something new.
pub(super) fn is_on(name: &str) -> bool {
    ["active", "enabled", "available"].iter().any(|word| ends_with_word(name, word))
}

/// The value of an enumeration: the first one, but a status fits what the operation has just done.
pub(super) fn choice<'a>(operation: &str, member: &str, values: &'a [EnumValue], nth: usize) -> Option<&'a str> {
    let listed: Vec<&str> = values
        .iter()
        .filter(|value| !value.internal)
        .map(|value| value.value.as_str())
        .collect();
    let is_status = ["status", "state"].iter().any(|word| ends_with_word(member, word));
    let preferred = if !is_status {
        None
    } else if ["create", "start", "put", "run"].iter().any(|verb| has_word(operation, verb)) {
        among(
            &listed,
            &["CREATING", "CREATE_IN_PROGRESS", "IN_PROGRESS", "PENDING", "STARTING", "RUNNING"],
        )
    } else {
        among(&listed, &["ACTIVE", "AVAILABLE", "SUCCEEDED", "COMPLETED", "RUNNING", "ENABLED"])
    };
    match preferred {
        Some(value) if nth == 0 => Some(value),
        _ => listed.get(nth % listed.len().max(1)).copied(),
    }
}

fn among<'a>(listed: &[&'a str], preferred: &[&str]) -> Option<&'a str> {
    preferred
        .iter()
        .find_map(|wanted| listed.iter().find(|value| value.eq_ignore_ascii_case(wanted)).copied())
}

/// A string that wants a value, and where it stands.
pub(super) struct Wanted<'a> {
    /// The member.
    pub member: &'a Member,
    /// What it targets.
    pub target: &'a Shape,
    /// The name of the structure that it is a member of.
    pub owner: &'a str,
    /// Text of ten or more hexadecimal digits that follows from the place alone.
    pub seed: &'a str,
    /// Which item of its list this is, from 0.
    pub nth: usize,
}

/// Texts for a string without enumerated values, the likeliest first. They need not be valid.
pub(super) fn texts(service: &Service, setting: &Setting, echo: &Echo<'_>, wanted: &Wanted<'_>) -> Vec<String> {
    let name = wanted.member.name.as_str();
    let plain = match wanted.target.name() {
        target if matches!(name, "member" | "key" | "value") && target != "String" => kebab(target),
        _ => kebab(name),
    };
    let mut texts = Vec::new();
    let media_type = wanted.target.traits.get("smithy.api#mediaType").and_then(|value| value.as_str());
    if media_type.is_some_and(|media_type| media_type.contains("json") || media_type.contains("yaml")) {
        texts.push("{}".to_owned());
    }
    if ends_with_word(name, "arn")
        || wanted.target.traits.contains_key("aws.api#arnReference")
        || ends_with_word(wanted.target.name(), "arn")
    {
        texts.push(arn(service, setting, echo, wanted));
    }
    if ends_with_word(name, "version") {
        texts.push(if has_word(name, "minor") { "0" } else { "1" }.to_owned());
    }
    if ends_with_word(name, "id") {
        texts.push(identifier(wanted));
        texts.push(uuid(wanted.seed));
    }
    if has_word(name, "account") {
        texts.push(ACCOUNT.to_owned());
    }
    if ends_with_word(name, "region") {
        texts.push(setting.region.clone());
    }
    if has_word(name, "email") {
        texts.push("someone@example.com".to_owned());
    }
    if ["url", "uri", "endpoint"].iter().any(|word| ends_with_word(name, word)) {
        texts.push("https://example.com/".to_owned());
    }
    texts.push(plain);
    texts.push(name.to_owned());
    if wanted.nth > 0 {
        texts.iter_mut().for_each(|text| text.push_str(&format!("-{}", wanted.nth + 1)));
    }
    texts
}

/// `pa-` and 13 characters, as Service Catalog writes the id of a provisioning artifact.
fn identifier(wanted: &Wanted<'_>) -> String {
    let name = wanted.member.name.as_str();
    let described = kebab(name).trim_end_matches("id").trim_end_matches('-').to_owned();
    let prefix = if described.is_empty() {
        initials(resource(wanted.owner))
    } else {
        initials(&described)
    };
    let digits: String = wanted.seed.chars().take(13).collect();
    format!("{prefix}-{digits}")
}

/// A version 4 UUID of these hexadecimal digits, repeated where there are too few.
pub fn uuid(seed: &str) -> String {
    let digits: String = seed.chars().cycle().take(32).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// `arn:aws:proton:us-east-1:000000000000:service/frontend/service-instance/frontend-prod`: the
/// names of the resources above come first, where the input tells them.
fn arn(service: &Service, setting: &Setting, echo: &Echo<'_>, wanted: &Wanted<'_>) -> String {
    let described = kebab(&wanted.member.name).trim_end_matches("arn").trim_end_matches('-').to_owned();
    if described == "role" || described.ends_with("-role") {
        return format!("arn:aws:iam::{ACCOUNT}:role/{described}");
    }
    let kind = if described.is_empty() {
        kebab(resource(wanted.owner))
    } else {
        described
    };
    let mut path = String::new();
    for (index, _) in kind.match_indices('-') {
        let above = kind.get(..index).unwrap_or_default();
        if let Some(value) = echo.text(&format!("{}Name", camel(above))) {
            path.push_str(&format!("{above}/{value}/"));
        }
    }
    let own = [format!("{}Name", camel(&kind)), "name".to_owned()];
    let name = own
        .iter()
        .find_map(|name| echo.text(name))
        .unwrap_or(wanted.seed.get(..13).unwrap_or_default());
    path.push_str(&format!("{kind}/{name}"));
    format!("arn:aws:{}:{}:{ACCOUNT}:{path}", service.signing_name, setting.region)
}

fn camel(kebab: &str) -> String {
    let mut words = kebab.split('-');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
