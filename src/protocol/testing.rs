//! Small services for the tests of protocols.

use crate::model::load;
use crate::model::schema::Service;

/// A service of the namespace `a` that speaks one protocol, with these operations; `shapes` are
/// the members of a Smithy JSON AST's `shapes`, the operations among them.
pub(super) fn service(protocol: &str, operations: &[&str], shapes: &str) -> Service {
    let listed: Vec<String> = operations.iter().map(|name| format!(r#"{{"target": "a#{name}"}}"#)).collect();
    let listed = listed.join(",");
    let model = format!(
        r#"{{"smithy": "2.0", "shapes": {{
            "a#Test": {{"type": "service", "version": "1", "operations": [{listed}], "traits": {{{protocol}}}}},
            {shapes}}}}}"#,
        protocol = if protocol.starts_with('"') {
            protocol.to_owned()
        } else {
            format!(r#""{protocol}": {{}}"#)
        }
    );
    load(model.as_bytes(), "test").unwrap().remove(0)
}
