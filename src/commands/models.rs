//! `ferrotape models`: the services that are known, and what their models say, for people.

mod operation;
mod tree;

use super::{ModelArguments, known_services, like_operations, typed};
use crate::exit::Exit;
use crate::model::catalog::{Catalog, Entry};
use crate::model::listing::{Listing, folded};
use crate::model::schema::{Operation, OperationIndex, Service};
use crate::protocol;
use crate::report::words;
use crate::settings::Settings;
use crate::terminal::{self, FAINT, ODD, TITLE, clean};
use anyhow::{Context, bail};
use serde_json::Value;
use std::io::{self, Write};

/// Print which services are known, and what their models say.
///
/// Examples:
///   ferrotape models --model botocore
///   ferrotape models show proton
///   ferrotape models show dynamodb.PutItem --model botocore
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct ModelsArguments {
    /// `list` the services, or `show` one of them or one of its operations
    #[arg(value_enum, value_name = "list|show", default_value = "list", hide_possible_values = true)]
    pub action: Action,
    /// What to show; of `list`, a part of the names to list
    #[arg(value_name = "SERVICE[.OPERATION]", required_if_eq("action", "show"))]
    pub what: Option<String>,
    #[command(flatten)]
    pub models: ModelArguments,
    /// Show every value of long enumerations
    #[arg(long)]
    pub full: bool,
    /// What `ferrotape.toml` says.
    #[arg(skip)]
    pub settings: Settings,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Action {
    List,
    Show,
}

/// Runs the command.
pub fn run(arguments: &ModelsArguments) -> anyhow::Result<Exit> {
    let catalog = arguments.models.catalog()?;
    let what = arguments.what.as_deref().unwrap_or_default();
    let mut out = Vec::new();
    match arguments.action {
        Action::List => list(&catalog, what, &mut out)?,
        Action::Show => {
            let config = typed::config(&arguments.settings);
            let typed = [config, typed::models(&arguments.models, &arguments.settings)].concat();
            show(&catalog, what, arguments.full, &typed, &mut out)?;
        }
    }
    let written = terminal::styled(&out);
    written.context("cannot write to standard output").map(|()| Exit::Clean)
}

/// One line a service, in the order of their names.
fn list(catalog: &Catalog, part: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted = |entry: &&Entry| part.is_empty() || is_named(entry.listing(), &folded(part));
    let mut entries: Vec<&Entry> = catalog.entries().iter().filter(wanted).collect();
    entries.sort_by_key(|entry| folded(&entry.listing().sdk_id));
    let rows: Vec<[String; 5]> = entries.iter().map(|entry| row(entry)).collect();
    let widths: Vec<usize> = (0..4)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for [name, version, protocols, operations, source] in &rows {
        let (a, b, c, d) = (widths[0], widths[1], widths[2], widths[3]);
        writeln!(
            out,
            "{TITLE}{name:a$}{TITLE:#}  {version:b$}  {protocols:c$}  {operations:d$}  {FAINT}{source}{FAINT:#}"
        )?;
    }
    if rows.is_empty() {
        bail!("no known service is called like `{part}`; name its model with `--model botocore` or `--model FILE`");
    }
    let plural = if rows.len() == 1 { "" } else { "s" };
    writeln!(out, "{} service{plural}", rows.len())?;
    Ok(())
}

fn is_named(listing: &Listing, part: &str) -> bool {
    [&listing.sdk_id, &listing.shape_id, &listing.endpoint_prefix, &listing.signing_name]
        .iter()
        .any(|name| folded(name).contains(part))
}

fn row(entry: &Entry) -> [String; 5] {
    let listing = entry.listing();
    let operations = match entry.loaded() {
        Some(service) => counted(service.operations.len()),
        None => "not loaded".to_owned(),
    };
    let protocols: Vec<&str> = listing.protocols.iter().map(|id| local(id)).collect();
    [
        clean(&listing.sdk_id),
        clean(&listing.version),
        protocols.join(", "),
        operations,
        clean(entry.source()),
    ]
}

fn counted(operations: usize) -> String {
    match operations {
        1 => "1 operation".to_owned(),
        many => format!("{many} operations"),
    }
}

fn local(id: &str) -> &str {
    id.rsplit('#').next().unwrap_or(id)
}

/// A service, or where no service has that name, an operation of one. `typed` is what a hint says again.
fn show(catalog: &Catalog, what: &str, full: bool, typed: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(service) = catalog.find(what) {
        return Ok(show_service(service, out)?);
    }
    let (service, name) = what.rsplit_once('.').unwrap_or((what, ""));
    let Some(service) = catalog.find(service) else {
        bail!(
            "no model knows the service `{service}`; {}",
            known_services(catalog, service, typed)
        );
    };
    match operation_called(service, name) {
        Some(operation) => Ok(operation::show(service, operation, full, out)?),
        None => bail!(
            "the model of {} has no operation `{name}`{}; `ferrotape models show {}{}` lists all",
            service.sdk_id,
            like_operations(service, name),
            folded(&service.sdk_id),
            words(typed)
        ),
    }
}

/// Letter case does not matter to people.
fn operation_called(service: &Service, name: &str) -> Option<OperationIndex> {
    let named = |operation: &Operation| operation.name.eq_ignore_ascii_case(name);
    let other = || {
        service
            .operations
            .iter()
            .find(|operation| named(operation))
            .map(|operation| operation.name.as_str())
    };
    service.operation_named(name).or_else(|| service.operation_named(other()?))
}

fn show_service(service: &Service, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#} {}", clean(&service.sdk_id), clean(&service.version))?;
    let protocols: Vec<String> = service.protocols.iter().map(|id| spoken(id)).collect();
    let facts = [
        ("model", service.source.clone()),
        ("shape", service.shape_id.clone()),
        ("protocols", protocols.join(", ")),
        ("signs as", service.signing_name.clone()),
        ("hosts", format!("{}.REGION.…", service.endpoint_prefix)),
        ("sha256", service.sha256.clone()),
    ];
    for (name, value) in facts {
        writeln!(out, "  {FAINT}{name:9}{FAINT:#}  {}", clean(&value))?;
    }
    writeln!(out, "{TITLE}{}{TITLE:#}", counted(service.operations.len()))?;
    let mut operations: Vec<&Operation> = service.operations.iter().collect();
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    let width = operations.iter().map(|operation| operation.name.len()).max().unwrap_or(0);
    for operation in operations {
        let marks = operation_marks(operation).join(", ");
        match marks.as_str() {
            "" => writeln!(out, "  {}", clean(&operation.name))?,
            _ => writeln!(out, "  {:width$}  {FAINT}{}{FAINT:#}", clean(&operation.name), clean(&marks))?,
        }
    }
    lints(service, out)
}

fn spoken(id: &str) -> String {
    match protocol::named(id) {
        Some(_) => local(id).to_owned(),
        None => format!("{} (not spoken by this version)", local(id)),
    }
}

/// What cannot be honoured.
fn lints(service: &Service, out: &mut dyn Write) -> io::Result<()> {
    if service.lints.is_empty() {
        return Ok(());
    }
    writeln!(out, "{ODD}not honoured{ODD:#}")?;
    service.lints.iter().try_for_each(|lint| writeln!(out, "  {}", clean(lint)))
}

/// Where an operation is on the wire, and what is special about it.
fn operation_marks(operation: &Operation) -> Vec<String> {
    let has = |name: &str| operation.traits.contains_key(name);
    let mut marks = Vec::new();
    if let Some(http) = operation.traits.get("smithy.api#http") {
        let part = |name: &str| http.get(name).and_then(Value::as_str).unwrap_or_default();
        marks.push(format!("{} {}", part("method"), part("uri")));
    }
    if has("smithy.api#idempotent") {
        marks.push("idempotent".to_owned());
    }
    if has("smithy.api#readonly") {
        marks.push("read only".to_owned());
    }
    if let Some(token) = &operation.idempotency_token {
        marks.push(format!("idempotency token `{token}`"));
    }
    if let Some(prefix) = operation
        .traits
        .get("smithy.api#endpoint")
        .and_then(|endpoint| endpoint.get("hostPrefix"))
    {
        marks.push(format!("host prefix `{}`", prefix.as_str().unwrap_or_default()));
    }
    if has("smithy.api#optionalAuth") {
        marks.push("may be unsigned".to_owned());
    }
    if has("smithy.api#deprecated") {
        marks.push("deprecated".to_owned());
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;

    const MODEL: &str = r##"{"smithy": "2.0", "shapes": {
        "a#S": {"type": "service", "version": "2020-01-01", "operations": [{"target": "a#Put"}, {"target": "a#Get"}],
                "traits": {"aws.protocols#restJson1": {}, "x.y#protocol": {}, "aws.api#service": {"sdkId": "Es"}}},
        "a#Get": {"type": "operation", "traits": {"smithy.api#readonly": {}}},
        "a#Put": {"type": "operation", "input": {"target": "a#In"}, "errors": [{"target": "a#Bad"}],
                  "traits": {"smithy.api#http": {"method": "PUT", "uri": "/{name}", "code": 200}, "smithy.api#idempotent": {}}},
        "a#Bad": {"type": "structure", "traits": {"smithy.api#error": "client", "smithy.api#httpError": 409, "smithy.api#retryable": {}}},
        "a#In": {"type": "structure", "members": {
            "name": {"target": "a#Name", "traits": {"smithy.api#required": {}, "smithy.api#httpLabel": {}}},
            "token": {"target": "smithy.api#String", "traits": {"smithy.api#idempotencyToken": {}, "smithy.api#httpHeader": "x-token"}},
            "count": {"target": "smithy.api#Integer", "traits": {"smithy.api#range": {"min": 1, "max": 9}, "smithy.api#default": 3}},
            "kind": {"target": "a#Kind"}, "size": {"target": "a#Size"}, "tree": {"target": "a#Tree"}, "map": {"target": "a#Map"}}},
        "a#Name": {"type": "string", "traits": {"smithy.api#length": {"min": 1}, "smithy.api#pattern": "^a+$", "smithy.api#sensitive": {}}},
        "a#Kind": {"type": "enum", "members": {"A": {"target": "smithy.api#Unit", "traits": {"smithy.api#enumValue": "the\u001bone"}}}},
        "a#Size": {"type": "string", "traits": {"smithy.api#pattern": "[a"}},
        "a#Tree": {"type": "structure", "members": {"left": {"target": "a#Tree"}, "list": {"target": "a#Trees"}}},
        "a#Trees": {"type": "list", "member": {"target": "a#Tree"}, "traits": {"smithy.api#length": {"max": 2}, "smithy.api#uniqueItems": {}}},
        "a#Map": {"type": "map", "key": {"target": "smithy.api#String"}, "value": {"target": "smithy.api#Blob"}}}}"##;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::built_in().unwrap();
        load(MODEL.as_bytes(), "es.json")
            .unwrap()
            .into_iter()
            .for_each(|service| catalog.add(service));
        catalog
    }

    fn plain(write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&bytes).into_vec()).unwrap()
    }

    #[test]
    fn the_list_has_a_line_for_each_service() {
        assert_eq!(
            plain(|out| list(&catalog(), "", out)),
            "Es               2020-01-01  restJson1   2 operations  es.json\n\
             Proton           2020-07-20  awsJson1_0  1 operation   built-in\n\
             Service Catalog  2015-12-10  awsJson1_1  1 operation   built-in\n\
             3 services\n"
        );
        assert!(plain(|out| list(&catalog(), "service-cat", out)).ends_with("1 service\n"));
        let problem = list(&catalog(), "nope", &mut Vec::new()).unwrap_err().to_string();
        assert!(problem.contains("`nope`"), "{problem}");
    }

    #[test]
    fn a_service_of_a_folder_is_listed_without_loading_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("es.json"), MODEL).unwrap();
        let catalog = Catalog::with_models(&[folder.path()]).unwrap();
        assert!(plain(|out| list(&catalog, "es", out)).contains("restJson1  not loaded  /"));
        assert!(plain(|out| show(&catalog, "es", false, &[], out)).contains("2 operations"));
        assert!(plain(|out| list(&catalog, "es", out)).contains("restJson1  2 operations  /"));
    }

    #[test]
    fn a_service_is_shown_with_its_operations_and_what_is_not_honoured() {
        let shown = plain(|out| show(&catalog(), "es", false, &[], out));
        assert!(
            shown.starts_with("Es 2020-01-01\n  model      es.json\n  shape      a#S\n"),
            "{shown}"
        );
        assert!(
            shown.contains("2 operations\n  Get  read only\n  Put  PUT /{name}, idempotent, idempotency token `token`\n"),
            "{shown}"
        );
        assert!(
            shown.contains("not honoured\n  the pattern of `a#In$size` is not checked: "),
            "{shown}"
        );
    }

    #[test]
    fn an_operation_is_shown_as_trees() {
        let shown = plain(|out| show(&catalog(), "es.put", false, &[], out));
        let expected = "Es Put
  PUT /{name}
  idempotent
  idempotency token `token`

input
  name       string, required, at least 1 character, matching ^a+$, sensitive, in the path
  token      string, idempotency token, header `x-token`
  count      integer, 1 to 9, default 3
  kind       only the one
  size       string, matching [a
  tree       structure Tree
    left     structure Tree, as above
    list     list, at most 2 items, no two items alike
      []     structure Tree, as above
  map        map
    {key}    string
    {value}  bytes

output
  nothing

errors
";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(
            shown.ends_with("\n  Bad  the client's fault, status 409, may be tried again\n"),
            "{shown}"
        );
    }

    #[test]
    fn long_enumerations_are_cut_unless_all_is_asked_for() {
        let values: Vec<String> = (0..30).map(|number| format!(r#"{{"value": "v{number}"}}"#)).collect();
        let old = format!(r#"{{"type": "string", "traits": {{"smithy.api#enum": [{}]}}}}"#, values.join(","));
        let model = MODEL.replace(r#"{"type": "string", "traits": {"smithy.api#pattern": "[a"}}"#, &old);
        let mut catalog = Catalog::default();
        load(model.as_bytes(), "es.json")
            .unwrap()
            .into_iter()
            .for_each(|service| catalog.add(service));
        assert!(plain(|out| show(&catalog, "es.Put", false, &[], out)).contains("v19 … and 10 more (--full shows them)"));
        assert!(plain(|out| show(&catalog, "es.Put", true, &[], out)).contains("v28 | v29\n"));
    }

    #[test]
    fn what_is_not_known_is_told_with_what_is() {
        let problem = |what: &str| {
            show(
                &catalog(),
                what,
                false,
                &["--model".to_owned(), "es.json".to_owned()],
                &mut Vec::new(),
            )
            .unwrap_err()
            .to_string()
        };
        assert!(problem("nope").contains("known are `Proton`, `Service Catalog`, `Es`"));
        assert!(
            problem("nope.X").starts_with("no model knows the service `nope`; known are"),
            "{}",
            problem("nope.X")
        );
        assert_eq!(
            problem("es.Pot"),
            "the model of Es has no operation `Pot`; there is `Put`, `Get`; `ferrotape models show es --model es.json` lists all"
        );
    }

    #[test]
    fn of_many_services_those_with_a_name_like_it_are_told() {
        let mut catalog = catalog();
        for number in 0..10 {
            let model = MODEL
                .replace("a#", &format!("a{number}#"))
                .replace(r#""Es""#, &format!(r#""Queue {number}""#));
            load(model.as_bytes(), "es.json")
                .unwrap()
                .into_iter()
                .for_each(|service| catalog.add(service));
        }
        let problem = |what: &str| show(&catalog, what, false, &[], &mut Vec::new()).unwrap_err().to_string();
        assert!(
            problem("proto.X").ends_with("`proto`; there is `Proton`; `ferrotape models` lists them"),
            "{}",
            problem("proto.X")
        );
        assert!(problem("queue").contains("there is `Queue 0`, `Queue 1`, "), "{}", problem("queue"));
        assert!(problem("zzzzz").contains("none of the 13 known ones"), "{}", problem("zzzzz"));
    }
}
