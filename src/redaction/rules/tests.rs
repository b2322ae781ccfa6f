use super::*;

#[test]
fn a_kept_path_may_pass_over_list_positions() {
    assert!(leads_to("/tags/*/value", "/tags/3/value"));
    assert!(leads_to("/spec", "/spec"));
    assert!(!leads_to("/spec", "/spec/a"));
    assert!(!leads_to("/tags/*", "/tags"));
}

#[test]
fn an_attribute_with_the_name_of_a_secret_is_one_in_whichever_way_its_model_is_written() {
    for kind in ["union", "structure"] {
        let model = r#"{"smithy":"2.0","shapes":{
            "a#S":{"type":"service","version":"1","operations":[{"target":"a#Put"}]},
            "a#Put":{"type":"operation","input":{"target":"a#Input"}},
            "a#Input":{"type":"structure","members":{"Item":{"target":"a#Item"}}},
            "a#Item":{"type":"map","key":{"target":"smithy.api#String"},"value":{"target":"a#AttributeValue"}},
            "a#AttributeValue":{"type":"KIND","members":{"S":{"target":"smithy.api#String"},"M":{"target":"a#Item"}}}}}"#;
        let service = crate::model::load(model.replace("KIND", kind).as_bytes(), "test")
            .unwrap()
            .remove(0);
        let input = service.operation(service.operation_named("Put").unwrap()).input;
        let root = Context::root(&service, input);
        let item = root.child("Item");
        assert_eq!(item.child("password").child("S").secret, Some(Rule::SecretForms), "{kind}");
        assert_eq!(
            item.child("db").child("M").child("api_token").child("S").secret,
            Some(Rule::SecretForms),
            "{kind}"
        );
        assert_eq!(item.child("id").child("S").secret, None, "{kind}");
    }
}

#[test]
fn what_a_stack_gives_out_is_hidden_unless_it_only_names_a_resource() {
    let model = r#"{"smithy":"2.0","shapes":{
        "a#S":{"type":"service","version":"1","operations":[{"target":"a#Do"}],"traits":{"aws.api#service":{"sdkId":"CloudFormation"}}},
        "a#Do":{"type":"operation","input":{"target":"a#Output"}},
        "a#Output":{"type":"structure","members":{"OutputKey":{"target":"smithy.api#String"},"OutputValue":{"target":"smithy.api#String"}}}}}"#;
    let service = crate::model::load(model.as_bytes(), "test").unwrap().remove(0);
    let input = service.operation(service.operation_named("Do").unwrap()).input;
    let stays = |key: &str, value: &str| {
        let text = |text: &str| Value::Text(text.to_owned());
        let entries = [("OutputKey".to_owned(), text(key)), ("OutputValue".to_owned(), text(value))];
        let root = Context::root(&service, input);
        let place = root.around(&entries);
        let place = place.child("OutputValue");
        assert_eq!(place.secret, Some(Rule::Credentials));
        place.names_resource(&text(value))
    };
    assert!(stays("Queue", "https://sqs.us-east-1.amazonaws.com/481516234207/orders"));
    assert!(!stays("Queue", "hunter2"));
    assert!(!stays("DbPassword", "arn:aws:sqs:us-east-1:481516234207:orders"));
}

#[test]
fn every_rule_has_its_own_id() {
    let ids: std::collections::HashSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
}
