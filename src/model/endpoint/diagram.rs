//! A rule set in the form of a binary decision diagram (`smithy.rules#endpointBdd`).
//!
//! Each node is three big-endian 32-bit integers: a condition, where to go when it holds, and where
//! when it does not. A reference is 1 or -1 (no rule), a node (its place plus one; negative for its
//! complement), or a result, from 100,000,000 on; the first result says that there is none.

use super::expression::Bindings;
use super::ruleset::{Condition, Outcome, RulesetError};
use super::{Endpoint, EndpointError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const FIRST_RESULT: i32 = 100_000_000;

#[derive(Debug)]
struct Node {
    condition: i32,
    high: i32,
    low: i32,
}

/// A decision diagram.
#[derive(Debug)]
pub struct Diagram {
    conditions: Vec<Condition>,
    results: Vec<Outcome>,
    nodes: Vec<Node>,
    root: i32,
}

impl Diagram {
    /// Reads a diagram.
    pub fn parse(source: &Value) -> Result<Diagram, RulesetError> {
        let list = |name: &str| source.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let text = source.get("nodes").and_then(Value::as_str).unwrap_or_default();
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| RulesetError::Diagram("its nodes are not base64"))?;
        let (numbers, odd) = bytes.as_chunks::<4>();
        let (nodes, incomplete) = numbers.as_chunks::<3>();
        if !odd.is_empty() || !incomplete.is_empty() {
            return Err(RulesetError::Diagram("its nodes are not of 12 bytes each"));
        }
        let node = |[condition, high, low]: &[[u8; 4]; 3]| Node {
            condition: i32::from_be_bytes(*condition),
            high: i32::from_be_bytes(*high),
            low: i32::from_be_bytes(*low),
        };
        let result = |result: &Value| Outcome::parse(result)?.ok_or(RulesetError::Diagram("a result is neither endpoint nor error"));
        let root = source.get("root").and_then(Value::as_i64).and_then(|root| i32::try_from(root).ok());
        Ok(Diagram {
            conditions: list("conditions").iter().map(Condition::parse).collect::<Result<_, _>>()?,
            results: list("results").iter().map(result).collect::<Result<_, _>>()?,
            nodes: nodes.iter().map(node).collect(),
            root: root.ok_or(RulesetError::Diagram("it has no root"))?,
        })
    }

    /// Follows the nodes to a result.
    pub fn evaluate<'a>(&'a self, mut bindings: Bindings<'a>) -> Result<Endpoint, EndpointError> {
        let mut reference = self.root;
        // A diagram has no cycles, so that no more steps than nodes are taken.
        for _ in 0..=self.nodes.len() {
            if reference >= FIRST_RESULT {
                break;
            }
            let complement = reference < 0;
            let place = reference.unsigned_abs() as usize;
            let node = place.checked_sub(1).and_then(|place| self.nodes.get(place));
            let node = node.filter(|_| place > 1).ok_or(EndpointError::NoRule)?;
            let condition = usize::try_from(node.condition)
                .ok()
                .and_then(|condition| self.conditions.get(condition));
            let holds = condition.ok_or(EndpointError::NoRule)?.holds(&mut bindings);
            reference = if holds == complement { node.low } else { node.high };
        }
        let result = reference
            .checked_sub(FIRST_RESULT + 1)
            .and_then(|result| usize::try_from(result).ok());
        let result = result.and_then(|result| self.results.get(result)).ok_or(EndpointError::NoRule)?;
        result.evaluate(&bindings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ruleset::Ruleset;
    use super::*;
    use serde_json::json;

    fn diagram(nodes: &[[i32; 3]]) -> Value {
        let bytes: Vec<u8> = nodes.iter().flatten().flat_map(|number| number.to_be_bytes()).collect();
        json!({
            "version": "1.1",
            "parameters": {
                "Fips": {"type": "boolean", "required": true, "default": false},
                "Region": {"type": "string"},
            },
            "conditions": [
                {"fn": "isSet", "argv": [{"ref": "Region"}]},
                {"fn": "ite", "argv": [{"ref": "Fips"}, "-fips", ""], "assign": "suffix"},
            ],
            "results": [
                {"type": "endpoint", "conditions": [], "endpoint": {"url": "https://a{suffix}.{Region}.com"}},
                {"type": "error", "conditions": [], "error": "no region"},
            ],
            "root": 2,
            "nodeCount": nodes.len(),
            "nodes": STANDARD.encode(bytes),
        })
    }

    fn found(source: &Value, given: Value) -> Result<String, EndpointError> {
        let rules = Ruleset::parse(source).unwrap();
        rules.evaluate(given.as_object().unwrap()).map(|endpoint| endpoint.url)
    }

    #[test]
    fn conditions_lead_to_a_result() {
        let source = diagram(&[[-1, 1, -1], [0, 3, 100_000_002], [1, 100_000_001, -1]]);
        assert_eq!(
            found(&source, json!({"Region": "r", "Fips": true})),
            Ok("https://a-fips.r.com".to_owned())
        );
        assert_eq!(found(&source, json!({"Region": "r"})), Ok("https://a.r.com".to_owned()));
        assert_eq!(found(&source, json!({})), Err(EndpointError::Refused("no region".to_owned())));
    }

    #[test]
    fn a_negative_reference_is_the_complement() {
        let mut source = diagram(&[[-1, 1, -1], [0, 100_000_002, 3], [1, 100_000_001, -1]]);
        source["root"] = json!(-2);
        assert_eq!(found(&source, json!({"Region": "r"})), Ok("https://a.r.com".to_owned()));
        assert_eq!(found(&source, json!({})), Err(EndpointError::Refused("no region".to_owned())));
    }

    #[test]
    fn a_diagram_that_leads_nowhere_has_no_rule() {
        for nodes in [
            &[[-1, 1, -1], [0, 1, -1]][..],
            &[[-1, 1, -1], [0, 100_000_000, -1]],
            &[[-1, 1, -1], [0, 9, 9]],
            &[[-1, 1, -1], [9, 3, 3]],
            &[[-1, 1, -1], [0, 2, 2]],
            &[[-1, 1, -1], [0, i32::MIN, i32::MIN]],
            &[[-1, 1, -1], [0, i32::MAX, i32::MAX]],
            &[],
        ] {
            assert_eq!(
                found(&diagram(nodes), json!({"Region": "r"})),
                Err(EndpointError::NoRule),
                "{nodes:?}"
            );
        }
    }

    #[test]
    fn nodes_in_another_encoding_are_refused_when_read() {
        let mut source = diagram(&[[-1, 1, -1]]);
        source["nodes"] = json!("AQIBAIKEr1+EhK9f");
        assert!(Ruleset::parse(&source).is_ok(), "12 bytes of anything are a node");
        source["nodes"] = json!("AQIBAIKEr18=");
        assert_eq!(
            Ruleset::parse(&source).err(),
            Some(RulesetError::Diagram("its nodes are not of 12 bytes each"))
        );
        source["nodes"] = json!("%");
        assert_eq!(
            Ruleset::parse(&source).err(),
            Some(RulesetError::Diagram("its nodes are not base64"))
        );
    }
}
