//! Uses DynamoDB and SQS with the AWS SDK for Rust.

use std::collections::HashMap;
use std::fmt::Debug;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType, TransactWriteItem,
};
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let config = aws_config::load_from_env().await;
    carts(&config).await;
    jobs(&config).await;
}

/// Prints what came of a call, and gives the answer.
fn tell<T: Debug, E, R>(call: &str, result: Result<T, SdkError<E, R>>) -> Option<T>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: Debug + 'static,
{
    let told = match &result {
        // Without the request's id, all that the SDK understood of the answer.
        Ok(answer) => json!(sorted(&format!("{answer:?}"))),
        Err(error) => match error.as_service_error() {
            Some(service) => json!({ "error": service.code(), "message": service.message() }),
            None => json!({ "error": DisplayErrorContext(error).to_string() }),
        },
    };
    println!("{}", json!({ "call": call, "attempts": 1, "output": told }));
    result.ok()
}

/// The words of a text, sorted: maps are printed in any order.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(|letter: char| " ,{}()[]".contains(letter)).collect();
    words.sort_unstable();
    words.retain(|word| !word.is_empty());
    words
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u32) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn item(user: &str, line: u32) -> HashMap<String, AttributeValue> {
    HashMap::from([("user".to_owned(), text(user)), ("line".to_owned(), number(line))])
}

async fn carts(config: &SdkConfig) {
    let client = aws_sdk_dynamodb::Client::new(config);
    let mut call = client.create_table().table_name("carts").billing_mode(BillingMode::PayPerRequest);
    for (name, place, kind) in [
        ("user", KeyType::Hash, ScalarAttributeType::S),
        ("line", KeyType::Range, ScalarAttributeType::N),
    ] {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(place).build();
        let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build();
        call = call
            .key_schema(key.expect("a key is whole"))
            .attribute_definitions(definition.expect("a definition is whole"));
    }
    tell("CreateTable", call.send().await);
    for line in 0..3 {
        let mut item = item("zoë", line);
        item.insert("photo".to_owned(), AttributeValue::B(vec![line as u8, 255].into()));
        item.insert("tags".to_owned(), AttributeValue::Ss(vec!["new".to_owned(), "sale".to_owned()]));
        tell("PutItem", client.put_item().table_name("carts").set_item(Some(item)).send().await);
    }
    let key = || Some(item("zoë", 1));
    tell("GetItem", client.get_item().table_name("carts").set_key(key()).send().await);
    let gone = client.delete_item().table_name("carts").set_key(key());
    tell("DeleteItem", gone.condition_expression("attribute_exists(amount)").send().await);
    let query = client.query().table_name("carts").key_condition_expression("#u = :u");
    let query = query
        .expression_attribute_names("#u", "user")
        .expression_attribute_values(":u", text("zoë"));
    let mut pages = query.into_paginator().page_size(2).send();
    while let Some(page) = pages.next().await {
        tell("Query", page);
    }
    let put = Put::builder()
        .table_name("carts")
        .set_item(Some(item("max", 7)))
        .build()
        .expect("a put is whole");
    let written = client
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build());
    tell("TransactWriteItems", written.send().await);
    tell("GetItem", client.get_item().table_name("no-such-table").set_key(key()).send().await);
}

async fn jobs(config: &SdkConfig) {
    let client = aws_sdk_sqs::Client::new(config);
    let made = client
        .create_queue()
        .queue_name("jobs")
        .attributes(QueueAttributeName::VisibilityTimeout, "30");
    let Some(url) = tell("CreateQueue", made.send().await).and_then(|made| made.queue_url) else {
        return;
    };
    let kind = MessageAttributeValue::builder().data_type("String").string_value("small").build();
    let sent = client.send_message().queue_url(&url).message_body("first <job> & more");
    tell(
        "SendMessage",
        sent.message_attributes("kind", kind.expect("a value is whole")).send().await,
    );
    let mut batch = client.send_message_batch().queue_url(&url);
    for id in ["a", "b"] {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(format!("job {id}"))
            .build();
        batch = batch.entries(entry.expect("an entry is whole"));
    }
    tell("SendMessageBatch", batch.send().await);
    let got = client
        .receive_message()
        .queue_url(&url)
        .max_number_of_messages(10)
        .message_attribute_names("All");
    let Some(got) = tell("ReceiveMessage", got.send().await) else {
        return;
    };
    for message in got.messages() {
        let gone = client
            .delete_message()
            .queue_url(&url)
            .set_receipt_handle(message.receipt_handle.clone());
        tell("DeleteMessage", gone.send().await);
    }
    let known = client
        .get_queue_attributes()
        .queue_url(&url)
        .attribute_names(QueueAttributeName::QueueArn);
    tell("GetQueueAttributes", known.send().await);
    let gone = client.delete_message().queue_url(&url).receipt_handle("no-such-handle");
    tell("DeleteMessage", gone.send().await);
    tell("GetQueueUrl", client.get_queue_url().queue_name("no-such-queue").send().await);
    tell("DeleteQueue", client.delete_queue().queue_url(&url).send().await);
}
