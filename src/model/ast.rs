//! The Smithy 2.0 JSON AST as it is written in a model file (Smithy 2.0, "JSON AST"), with
//! `apply` statements and mixins folded in. What it means is the compiler's business.

use super::ordered::in_order;
use crate::document::in_plain_words;
use crate::json::problem::problem;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Traits by shape id.
pub type Traits = Map<String, Value>;

/// One model file.
#[derive(Deserialize)]
pub struct Ast {
    smithy: String,
    shapes: Map<String, Value>,
}

/// One shape as written.
#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct AstShape {
    #[serde(rename = "type")]
    pub kind: String,
    pub traits: Traits,
    /// Of a structure, union, enum or intEnum; each value is an [`AstMember`].
    pub members: Map<String, Value>,
    pub member: Option<AstMember>,
    pub key: Option<AstMember>,
    pub value: Option<AstMember>,
    pub mixins: Vec<Reference>,
    pub version: String,
    pub input: Option<Reference>,
    pub output: Option<Reference>,
    pub errors: Vec<Reference>,
    pub operations: Vec<Reference>,
    pub collection_operations: Vec<Reference>,
    pub resources: Vec<Reference>,
    pub put: Option<Reference>,
    pub create: Option<Reference>,
    pub read: Option<Reference>,
    pub update: Option<Reference>,
    pub delete: Option<Reference>,
    pub list: Option<Reference>,
}

/// One member as written.
#[derive(Deserialize, Clone, Default)]
#[serde(default)]
pub struct AstMember {
    pub target: String,
    pub traits: Traits,
}

/// `{"target": "namespace#Shape"}`.
#[derive(Deserialize, Clone)]
pub struct Reference {
    pub target: String,
}

/// Why a file is not a model that can be read.
#[derive(Debug, thiserror::Error)]
pub enum AstError {
    #[error("it is not JSON of a Smithy model: {0}")]
    Json(String),
    #[error("it says `\"smithy\": \"{0}\"`; Ferrotape reads version 1.0 and 2 of the JSON AST")]
    Version(String),
    #[error("shape `{id}`: {why}")]
    Shape { id: String, why: String },
    #[error("shape `{id}` mixes in `{mixin}`, which the file does not define")]
    Mixin { id: String, mixin: String },
}

impl AstError {
    fn shape(id: &str, error: &serde_json::Error) -> AstError {
        AstError::Shape {
            id: id.to_owned(),
            why: in_plain_words(&error.to_string()),
        }
    }
}

/// Reads a file into shapes by id, in the order of the file.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, AstShape)>, AstError> {
    let ast: Ast = serde_json::from_slice(bytes).map_err(|error| AstError::Json(problem(bytes, &error)))?;
    if !(ast.smithy.starts_with("2.") || ast.smithy == "2" || ast.smithy.starts_with("1.")) {
        return Err(AstError::Version(ast.smithy));
    }
    let mut shapes = Vec::with_capacity(ast.shapes.len());
    let mut applied = Vec::new();
    for (id, shape) in ast.shapes {
        let shape: AstShape = serde_json::from_value(shape).map_err(|error| AstError::shape(&id, &error))?;
        if shape.kind == "apply" {
            applied.push((id, shape.traits))
        } else {
            shapes.push((id, shape))
        }
    }
    apply(&mut shapes, &applied);
    if shapes.iter().any(|(_, shape)| !shape.mixins.is_empty()) {
        shapes = mix_in(&shapes)?;
        // Once more, for members that only came in by a mixin.
        apply(&mut shapes, &applied);
    }
    Ok(shapes)
}

/// One model file, of which nothing is looked into.
#[derive(Deserialize)]
struct RawAst<'a> {
    #[serde(borrow, deserialize_with = "in_order")]
    shapes: Vec<(String, &'a RawValue)>,
}

/// Reads the services of a file and skips everything else.
pub fn services(bytes: &[u8]) -> Result<Vec<(String, AstShape)>, AstError> {
    let ast: RawAst<'_> = serde_json::from_slice(bytes).map_err(|error| AstError::Json(problem(bytes, &error)))?;
    let mut services = Vec::new();
    for (id, raw) in ast.shapes {
        let may_matter = |word: &str| raw.get().contains(word);
        if may_matter("\"apply\"") {
            // It may say more of a service.
            return Ok(read(bytes)?.into_iter().filter(|(_, shape)| shape.kind == "service").collect());
        }
        if may_matter("\"service\"") {
            let shape: AstShape = serde_json::from_str(raw.get()).map_err(|error| AstError::shape(&id, &error))?;
            if shape.kind == "service" {
                services.push((id, shape));
            }
        }
    }
    Ok(services)
}

/// Adds the traits of `apply` statements to the shape or member (`ns#Shape$member`) they name.
fn apply(shapes: &mut [(String, AstShape)], applied: &[(String, Traits)]) {
    for (id, traits) in applied {
        let (shape_id, member) = id
            .split_once('$')
            .map_or((id.as_str(), None), |(shape, member)| (shape, Some(member)));
        let Some((_, shape)) = shapes.iter_mut().find(|(id, _)| id == shape_id) else {
            continue;
        };
        let target = match member {
            None => Some(&mut shape.traits),
            Some("member") if shape.member.is_some() => shape.member.as_mut().map(|member| &mut member.traits),
            Some("key") if shape.key.is_some() => shape.key.as_mut().map(|member| &mut member.traits),
            Some("value") if shape.value.is_some() => shape.value.as_mut().map(|member| &mut member.traits),
            Some(name) => {
                let Some(Value::Object(member)) = shape.members.get_mut(name) else {
                    continue;
                };
                member.entry("traits").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
            }
        };
        if let Some(target) = target {
            target.extend(traits.clone());
        }
    }
}

/// Copies the members and traits of mixins into the shapes that use them (Smithy 2.0, "Mixins":
/// mixed-in members come first, a shape's own traits win).
fn mix_in(shapes: &[(String, AstShape)]) -> Result<Vec<(String, AstShape)>, AstError> {
    let by_id: HashMap<&str, &AstShape> = shapes.iter().map(|(id, shape)| (id.as_str(), shape)).collect();
    let mut done = HashMap::new();
    shapes
        .iter()
        .map(|(id, shape)| Ok((id.clone(), flatten(id, shape, &by_id, &mut done, 0)?)))
        .collect()
}

/// `done`: mixins that are flat already, as many shapes and mixins can share one.
fn flatten(
    id: &str,
    shape: &AstShape,
    by_id: &HashMap<&str, &AstShape>,
    done: &mut HashMap<String, AstShape>,
    depth: usize,
) -> Result<AstShape, AstError> {
    if let Some(flat) = done.get(id) {
        return Ok(flat.clone());
    }
    let mut flat = AstShape {
        members: Map::new(),
        traits: Traits::new(),
        mixins: Vec::new(),
        ..shape.clone()
    };
    for mixin in &shape.mixins {
        let missing = || AstError::Mixin {
            id: id.to_owned(),
            mixin: mixin.target.clone(),
        };
        // A mixin cycle is not valid Smithy; the bound turns it into the same error.
        let source = by_id.get(mixin.target.as_str()).filter(|_| depth < 64).ok_or_else(missing)?;
        let source = flatten(&mixin.target, source, by_id, done, depth + 1)?;
        flat.members.extend(source.members);
        let local = source
            .traits
            .get("smithy.api#mixin")
            .and_then(|mixin| mixin.get("localTraits"))
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        flat.traits.extend(
            source
                .traits
                .into_iter()
                .filter(|(name, _)| name != "smithy.api#mixin" && !local.iter().any(|id| id == name.as_str())),
        );
        flat.operations.splice(0..0, source.operations);
        flat.resources.splice(0..0, source.resources);
        flat.errors.splice(0..0, source.errors);
    }
    for (name, member) in &shape.members {
        match (flat.members.get_mut(name), member) {
            (Some(Value::Object(mixed)), Value::Object(own)) => merge_member(mixed, own),
            _ => {
                flat.members.insert(name.clone(), member.clone());
            }
        }
    }
    flat.traits.extend(shape.traits.clone());
    if depth > 0 {
        done.insert(id.to_owned(), flat.clone());
    }
    Ok(flat)
}

/// A member that a shape writes again over a mixin's: its target and traits win.
fn merge_member(mixed: &mut Map<String, Value>, own: &Map<String, Value>) {
    for (key, value) in own {
        match (key.as_str(), mixed.get_mut(key), value) {
            ("traits", Some(Value::Object(traits)), Value::Object(own)) => traits.extend(own.clone()),
            _ => {
                mixed.insert(key.clone(), value.clone());
            }
        }
    }
}
