//! What botocore's model of SQS no longer says since it speaks JSON: how its lists and maps are
//! called in awsQuery, which older SDKs go on speaking to it.
//!
//! Source: Amazon SQS API Reference, "Making Query API requests", and the `@xmlName` traits of the
//! model that AWS publishes.

use super::document::{Document, Shape};
use std::collections::HashMap;

/// Lists and maps of plain values, by member, and their elements.
const ELEMENTS: [(&str, &str); 15] = [
    ("AWSAccountIds", "AWSAccountId"),
    ("Actions", "ActionName"),
    ("AttributeNames", "AttributeName"),
    ("Attributes", "Attribute"),
    ("BinaryListValues", "BinaryListValue"),
    ("MessageAttributeNames", "MessageAttributeName"),
    ("MessageAttributes", "MessageAttribute"),
    ("MessageSystemAttributeNames", "AttributeName"),
    ("MessageSystemAttributes", "MessageSystemAttribute"),
    ("QueueUrls", "QueueUrl"),
    ("StringListValues", "StringListValue"),
    ("TagKeys", "TagKey"),
    ("Tags", "Tag"),
    ("queueUrls", "QueueUrl"),
    ("tags", "Tag"),
];

/// Says again what is missing, where the document is botocore's model of SQS without awsQuery.
pub fn complete(document: &mut Document) {
    let metadata = &document.metadata;
    let is_sqs = metadata.service_id.as_deref() == Some("SQS") && metadata.aws_query_compatible.is_some();
    if !is_sqs || metadata.protocol_names().any(|name| name == "query") {
        return;
    }
    let flattened = |(_, shape): &&(String, Shape)| shape.flattened;
    let items: HashMap<String, Option<String>> = document
        .shapes
        .iter()
        .filter(flattened)
        .map(|(name, shape)| (name.clone(), shape.member.as_ref().map(|item| item.shape.clone())))
        .collect();
    for (name, shape) in &mut document.shapes {
        for (member_name, member) in &mut shape.members {
            let item = items.get(&member.shape);
            let element = element(member_name).or(item.and_then(Option::as_deref));
            member.flattened |= element.is_some();
            member.location_name = element.map(str::to_owned);
        }
        if let (Some(key), Some(value)) = (&mut shape.key, &mut shape.value) {
            key.location_name = Some(if name == "TagMap" { "Key" } else { "Name" }.to_owned());
            value.location_name = Some("Value".to_owned());
        }
    }
}

/// The element of a member of plain values; structures in a list are called like their shape.
fn element(member: &str) -> Option<&'static str> {
    ELEMENTS.iter().find(|(name, _)| *name == member).map(|(_, element)| *element)
}
