//! The names that SQS's older protocol writes.
//!
//! SQS moved from awsQuery to JSON in 2023 and still answers SDKs of before (`awsQueryCompatible`).
//! botocore's model of it lost the names of forms and of XML in that move, where AWS's Smithy model
//! kept them. They are facts of the public reference ("Amazon SQS API Reference", each operation's
//! request parameters, and the query forms of its examples), and are given back here.

use super::document::{Document, Shape};

/// What the items of a list are called. All of SQS's lists are flattened: items stand by themselves.
const ITEMS: [(&str, &str); 18] = [
    ("AWSAccountIdList", "AWSAccountId"),
    ("ActionNameList", "ActionName"),
    ("AttributeNameList", "AttributeName"),
    ("BatchResultErrorEntryList", "BatchResultErrorEntry"),
    ("BinaryList", "BinaryListValue"),
    (
        "ChangeMessageVisibilityBatchRequestEntryList",
        "ChangeMessageVisibilityBatchRequestEntry",
    ),
    (
        "ChangeMessageVisibilityBatchResultEntryList",
        "ChangeMessageVisibilityBatchResultEntry",
    ),
    ("DeleteMessageBatchRequestEntryList", "DeleteMessageBatchRequestEntry"),
    ("DeleteMessageBatchResultEntryList", "DeleteMessageBatchResultEntry"),
    ("ListMessageMoveTasksResultEntryList", "ListMessageMoveTasksResultEntry"),
    ("MessageAttributeNameList", "MessageAttributeName"),
    ("MessageList", "Message"),
    ("MessageSystemAttributeList", "AttributeName"),
    ("QueueUrlList", "QueueUrl"),
    ("SendMessageBatchRequestEntryList", "SendMessageBatchRequestEntry"),
    ("SendMessageBatchResultEntryList", "SendMessageBatchResultEntry"),
    ("StringList", "StringListValue"),
    ("TagKeyList", "TagKey"),
];

/// What an entry of a map is called, its key and its value.
const ENTRIES: [(&str, [&str; 3]); 5] = [
    ("MessageBodyAttributeMap", ["MessageAttribute", "Name", "Value"]),
    ("MessageBodySystemAttributeMap", ["MessageSystemAttribute", "Name", "Value"]),
    ("MessageSystemAttributeMap", ["Attribute", "Name", "Value"]),
    ("QueueAttributeMap", ["Attribute", "Name", "Value"]),
    ("TagMap", ["Tag", "Key", "Value"]),
];

/// What errors are called in the answers of that protocol, where that is not their shape's name.
const ERRORS: [(&str, &str); 18] = [
    ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
    ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
    ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
    ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ("KmsAccessDenied", "KMS.AccessDeniedException"),
    ("KmsDisabled", "KMS.DisabledException"),
    ("KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException"),
    ("KmsInvalidState", "KMS.InvalidStateException"),
    ("KmsNotFound", "KMS.NotFoundException"),
    ("KmsOptInRequired", "KMS.OptInRequired"),
    ("KmsThrottled", "KMS.ThrottlingException"),
    ("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"),
    ("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress"),
    ("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently"),
    ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
    ("QueueNameExists", "QueueAlreadyExists"),
    (
        "TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    ),
    ("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation"),
];

/// Gives SQS's model the names that it lacks. Any other, and any that has them, stays as it is.
pub fn complete(document: &mut Document) {
    let metadata = &document.metadata;
    let spoke_queries = metadata.aws_query_compatible.is_some() && metadata.service_id.as_deref() == Some("SQS");
    if !spoke_queries {
        return;
    }
    for (name, shape) in &mut document.shapes {
        if let Some((_, item)) = ITEMS.iter().find(|(list, _)| list == name) {
            shape.flattened = true;
            call(shape.member.as_deref_mut(), item);
        }
        if let Some((_, [_, key, value])) = ENTRIES.iter().find(|(map, _)| map == name) {
            shape.flattened = true;
            call(shape.key.as_deref_mut(), key);
            call(shape.value.as_deref_mut(), value);
        }
        if let Some((_, code)) = ERRORS.iter().find(|(error, _)| error == name) {
            shape.error.get_or_insert_default().code.get_or_insert_with(|| (*code).to_owned());
        }
        for (_, member) in &mut shape.members {
            if let Some((_, [entry, ..])) = ENTRIES.iter().find(|(map, _)| *map == member.shape) {
                call(Some(member), entry);
            }
        }
    }
}

fn call(reference: Option<&mut Shape>, name: &str) {
    if let Some(reference) = reference {
        reference.location_name.get_or_insert_with(|| name.to_owned());
    }
}
