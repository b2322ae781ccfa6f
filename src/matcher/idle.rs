//! Rules that can match nothing, as a misspelt one: told when they are read, because a rule that is
//! silently off looks like one that does not work.
//!
//! Only services whose models are loaded have a say: a settings file serves runs with other models, too.

mod walk;

use crate::model::catalog::Catalog;
use crate::model::schema::{OperationIndex, Service};
use crate::near;
use crate::settings::{CallRules, Place, Redaction, RedactionRule, Target};
use walk::Stand;

/// Whose rules they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of one cassette or one command line: its services are loaded.
    Own,
    /// Of all runs in a folder.
    Shared,
}

/// What is to be said of rules that match nothing which the loaded models know.
pub fn idle(rules: &CallRules, catalog: &Catalog, scope: Scope) -> Vec<String> {
    let services: Vec<&Service> = catalog.loaded().map(|service| &**service).collect();
    let matching = &rules.matching;
    // `compare` judges answers, too, by what is ignored.
    let lists = [
        ("ignore", &matching.ignore, true),
        ("compare", &matching.compare, false),
        ("now", &matching.now, false),
    ];
    let ruled = lists.into_iter().flat_map(|(key, places, answers)| {
        let key = format!("match.{key}");
        places.iter().map(move |place| (key.clone(), place, answers))
    });
    let bound = rules.bind.iter().map(|bind| ("bind".to_owned(), &bind.from, false));
    let mut told = of_places(ruled.chain(bound), &services, scope);
    told.extend(matching.polls.iter().filter_map(|name| {
        let why = unknown_operation(name, &services, scope)?;
        Some(format!("`{name}` under `match.polls` matches nothing: {why}"))
    }));
    told
}

/// The same of rules of redaction, which hide or keep what a misspelt one does not.
pub fn idle_redaction(redaction: &Redaction, catalog: &Catalog, scope: Scope) -> Vec<String> {
    let services: Vec<&Service> = catalog.loaded().map(|service| &**service).collect();
    let kept = redaction.keep.iter().map(|place| ("redaction.keep".to_owned(), place, true));
    let hidden = redaction.rules.iter().filter_map(|(id, rule)| match rule {
        RedactionRule::Path(place) => Some((format!("redaction.rules.{id}"), place, true)),
        RedactionRule::Header(_) | RedactionRule::Pattern(_) => None,
    });
    of_places(kept.chain(hidden), &services, scope)
}

/// Each place under its key, and whether it may be one of an answer.
fn of_places<'p>(places: impl Iterator<Item = (String, &'p Place, bool)>, services: &[&Service], scope: Scope) -> Vec<String> {
    let told = places.filter_map(|(key, place, answers)| {
        let why = match place.target {
            // It may be ignored, and holds nothing that can be hidden, bound or a time.
            Target::Region if key != "match.ignore" => "it is the region of a call, and no member of it".to_owned(),
            _ => of_place(place, answers, services, scope)?,
        };
        Some(format!("`{place}` under `{key}` matches nothing: {why}"))
    });
    told.collect()
}

fn of_place(place: &Place, answers: bool, services: &[&Service], scope: Scope) -> Option<String> {
    let name = place.operation.as_deref()?;
    let (services, scope) = match &place.service {
        None => (services.to_vec(), scope),
        Some(wanted) => {
            let named = services.iter().copied().filter(|service| service.sdk_id == *wanted);
            let named: Vec<&Service> = named.collect();
            if named.is_empty() {
                return None;
            }
            (named, Scope::Own)
        }
    };
    let of_it: Vec<(&Service, OperationIndex)> = services
        .iter()
        .filter_map(|service| Some((*service, service.operation_named(name)?)))
        .collect();
    if of_it.is_empty() {
        return unknown_operation(name, &services, scope);
    }
    let roots = of_it.iter().flat_map(|(service, operation)| roots(service, *operation, answers));
    let astray = walk::astray(roots.collect(), place.steps())?;
    let (service, _) = of_it.first()?;
    let side = if answers { "" } else { " request" };
    Some(format!("the{side} model of {} {name} {astray}", service.sdk_id))
}

fn unknown_operation(name: &str, services: &[&Service], scope: Scope) -> Option<String> {
    if services.iter().any(|service| service.operation_named(name).is_some()) {
        return None;
    }
    let known = services
        .iter()
        .flat_map(|service| &service.operations)
        .map(|operation| operation.name.as_str());
    // Of a settings file's rules, others may be for services that this run does not know.
    if scope == Scope::Shared && near::misspelt(name, known.clone()).is_empty() {
        return None;
    }
    let near = there_is(name, known);
    Some(match services {
        [one] => format!("the model of {} has no operation `{name}`{near}", one.sdk_id),
        _ => format!("no model of this run has an operation `{name}`{near}"),
    })
}

fn there_is<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    match near::nearest(wanted, names).as_slice() {
        [] => String::new(),
        found => format!("; there is {}", near::quoted(found)),
    }
}

/// What a value of a call may be: its input; of answers, its output or an error, too.
fn roots<'s>(service: &'s Service, index: OperationIndex, answers: bool) -> Vec<Stand<'s>> {
    let operation = service.operation(index);
    let mut shapes = vec![operation.input];
    if answers {
        shapes.push(operation.output);
        shapes.extend(service.errors_of(index));
    }
    shapes.into_iter().map(|shape| Stand { service, shape }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn told(rules: &str, scope: Scope) -> Vec<String> {
        let settings: Settings = toml::from_str(rules).unwrap();
        idle(&settings.call_rules(), &Catalog::built_in().unwrap(), scope)
    }

    #[test]
    fn what_may_match_is_not_told() {
        let rules = r#"
            bind = [{ from = "CreateServiceInstance:/name" }]
            match.ignore = ["CreateServiceInstance:/spec", "*:/nothing", "CreateServiceInstance:region", "CreateServiceInstance:/*/0/key",
                            "CreateServiceInstance:/serviceInstance/arn", "EC2 RunInstances:/x", "Proton *:/y"]
            match.compare = ["Proton CreateServiceInstance:/clientToken"]
            match.polls = ["CreateServiceInstance"]
        "#;
        assert_eq!(told(rules, Scope::Own), [""; 0]);
    }

    #[test]
    fn a_rule_of_redaction_that_hides_nothing_is_told() {
        let settings = r#"
            [redaction]
            keep = ["CreateServiceInstance:/spec", "CreateServiceInstance:/spek"]
            [redaction.rules]
            name = { path = "CreateServiceInstance:/naem" }
            arn = { path = "CreateServiceInstance:/serviceInstance/arn" }
            header = { header = "x-any" }
        "#;
        let settings: Settings = toml::from_str(settings).unwrap();
        let told = idle_redaction(&settings.redaction, &Catalog::built_in().unwrap(), Scope::Shared);
        assert_eq!(
            told,
            [
                "`CreateServiceInstance:/spek` under `redaction.keep` matches nothing: the model of Proton CreateServiceInstance has no member `spek`; there is `spec`",
                "`CreateServiceInstance:/naem` under `redaction.rules.name` matches nothing: the model of Proton CreateServiceInstance has no member `naem`; there is `name`",
            ]
        );
    }

    #[test]
    fn a_misspelt_operation_or_member_is_told_with_what_is_near() {
        let rules = r#"
            bind = [{ from = "CreateServiceInstance:/nam" }]
            match.ignore = ["CreateServiceInstanc:/name", "CreateServiceInstance:/tag", "Proton Nope:region"]
            match.now = ["CreateServiceInstance:/serviceInstance"]
            match.polls = ["CreateServiceInstanc"]
        "#;
        assert_eq!(
            told(rules, Scope::Shared),
            [
                "`CreateServiceInstanc:/name` under `match.ignore` matches nothing: no model of this run has an operation \
                 `CreateServiceInstanc`; there is `CreateServiceInstance`",
                "`CreateServiceInstance:/tag` under `match.ignore` matches nothing: the model of Proton CreateServiceInstance has no \
                 member `tag`; there is `tags`",
                "`Proton Nope:region` under `match.ignore` matches nothing: the model of Proton has no operation `Nope`",
                "`CreateServiceInstance:/serviceInstance` under `match.now` matches nothing: the request model of Proton \
                 CreateServiceInstance has no member `serviceInstance`",
                "`CreateServiceInstance:/nam` under `bind` matches nothing: the request model of Proton CreateServiceInstance has no \
                 member `nam`; there is `name`, `serviceName`",
                "`CreateServiceInstanc` under `match.polls` matches nothing: no model of this run has an operation \
                 `CreateServiceInstanc`; there is `CreateServiceInstance`",
            ]
        );
    }

    #[test]
    fn a_region_may_be_ignored_and_nothing_else() {
        let rules = r#"
            bind = [{ from = "*:region" }]
            match.ignore = ["*:region"]
            match.now = ["CreateServiceInstance:region"]
        "#;
        let why = "matches nothing: it is the region of a call, and no member of it";
        assert_eq!(
            told(rules, Scope::Shared),
            [
                format!("`CreateServiceInstance:region` under `match.now` {why}"),
                format!("`*:region` under `bind` {why}")
            ]
        );
    }

    #[test]
    fn a_path_is_walked_to_its_end() {
        let rules = r#"
            match.ignore = ["CreateServiceInstance:/tags/*/kay", "CreateServiceInstance:/tags/key", "CreateServiceInstance:/tags/0/key",
                            "CreateServiceInstance:/name/x", "CreateServiceInstance:/serviceInstance/anr", "CreateServiceInstance:/message",
                            "CreateServiceInstance:/*/*/value", "CreateServiceInstance:/*/*/valu"]
            match.now = ["CreateProvisioningArtifact:/Parameters/Nam", "CreateProvisioningArtifact:/Parameters/Info/any"]
        "#;
        let told = told(rules, Scope::Own);
        let why: Vec<&str> = told.iter().filter_map(|note| note.split(" matches nothing: ").nth(1)).collect();
        assert_eq!(
            why,
            [
                "the model of Proton CreateServiceInstance has no member `kay` at `/tags/*`; there is `key`",
                "the model of Proton CreateServiceInstance has a list at `/tags`, into which a position or `*` leads, not `key`",
                "the model of Proton CreateServiceInstance has nothing below `/name`",
                "the model of Proton CreateServiceInstance has no member `anr` at `/serviceInstance`; there is `arn`",
                "the model of Proton CreateServiceInstance has no member `valu` at `/*/*`; there is `value`",
                "the request model of Service Catalog CreateProvisioningArtifact has no member `Nam` at `/Parameters`; there is `Name`",
            ]
        );
    }

    #[test]
    fn an_operation_of_another_run_is_told_only_where_the_rule_is_of_this_one() {
        let rules = r#"match.ignore = ["RunInstances:/x", "CreateService:/x", "DeleteServiceInstance:/x"]"#;
        assert_eq!(told(rules, Scope::Shared), [""; 0]);
        assert_eq!(
            told(rules, Scope::Own)[..1],
            ["`RunInstances:/x` under `match.ignore` matches nothing: no model of this run has an operation `RunInstances`"]
        );
    }
}
