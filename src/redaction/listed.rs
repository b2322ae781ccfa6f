//! Credentials in places that models leave unmarked.
//!
//! Source: the public API reference of each service; facts of its published model.

/// An unmarked credential: the structure that holds it (empty: any) and the member's name.
pub(super) type Listed = (&'static str, &'static str);

/// Credentials in places that models leave unmarked, by `sdkId`. Entries are only ever added.
static SERVICES: &[(&str, &[Listed])] = &[
    ("API Gateway", &[("ApiKey", "value"), ("CreateApiKeyRequest", "value")]),
    ("Amplify", &[("", "environmentVariables"), ("", "accessToken"), ("", "oauthToken")]),
    ("AppSync", &[("ApiKey", "id")]),
    ("Batch", &[("KeyValuePair", "value")]),
    (
        "CloudFormation",
        &[
            ("Parameter", "ParameterValue"),
            ("Parameter", "ResolvedValue"),
            ("Output", "OutputValue"),
        ],
    ),
    ("CodeBuild", &[("Webhook", "secret"), ("EnvironmentVariable", "value")]),
    (
        "Cognito Identity",
        &[
            ("Credentials", "AccessKeyId"),
            ("Credentials", "SecretKey"),
            ("Credentials", "SessionToken"),
        ],
    ),
    (
        "EC2",
        &[
            ("DescribeInstanceAttributeResult", "UserData"),
            // botocore's name of it.
            ("InstanceAttribute", "UserData"),
            ("ScheduledInstancesLaunchSpecification", "UserData"),
            ("GetConsoleOutputResult", "Output"),
        ],
    ),
    ("ECR", &[("AuthorizationData", "authorizationToken")]),
    ("ECR PUBLIC", &[("AuthorizationData", "authorizationToken")]),
    ("ECS", &[("KeyValuePair", "value")]),
    ("ElastiCache", &[("", "AuthToken")]),
    ("Elastic Beanstalk", &[("ConfigurationOptionSetting", "Value")]),
    (
        "Glue",
        &[("Connection", "ConnectionProperties"), ("ConnectionInput", "ConnectionProperties")],
    ),
    (
        "LakeFormation",
        &[("", "AccessKeyId"), ("", "SecretAccessKey"), ("", "SessionToken")],
    ),
    (
        "Lambda",
        &[("InvocationResponse", "LogResult"), ("FunctionCodeLocation", "Location")],
    ),
    (
        "Lightsail",
        &[
            ("", "secretAccessKey"),
            ("", "privateKeyBase64"),
            ("", "password"),
            ("", "userData"),
            ("", "masterUserPassword"),
        ],
    ),
    ("Neptune", &[("", "MasterUserPassword"), ("", "PreSignedUrl")]),
    (
        "RDS",
        &[("", "MasterUserPassword"), ("", "TdeCredentialPassword"), ("", "PreSignedUrl")],
    ),
    ("Redshift", &[("", "HsmPartitionPassword"), ("", "MasterUserPassword")]),
    (
        "SSM",
        &[
            ("StartSessionResponse", "TokenValue"),
            ("StartSessionResponse", "StreamUrl"),
            ("ResumeSessionResponse", "TokenValue"),
            ("ResumeSessionResponse", "StreamUrl"),
            ("CreateActivationResult", "ActivationCode"),
        ],
    ),
    (
        "SSO",
        &[
            ("RoleCredentials", "accessKeyId"),
            ("RoleCredentials", "secretAccessKey"),
            ("RoleCredentials", "sessionToken"),
        ],
    ),
    (
        "STS",
        &[
            ("Credentials", "AccessKeyId"),
            ("Credentials", "SecretAccessKey"),
            ("Credentials", "SessionToken"),
            ("DecodeAuthorizationMessageResponse", "DecodedMessage"),
        ],
    ),
    (
        "Service Catalog",
        &[
            ("ProvisioningParameter", "Value"),
            ("UpdateProvisioningParameter", "Value"),
            ("RecordOutput", "OutputValue"),
        ],
    ),
    ("mq", &[("", "Password")]),
];

/// Of these places, and of some that models mark, those that hold anything whatever: the output of a
/// stack, the value of a variable. It may be the name of a resource.
const ANYTHING: [Listed; 13] = [
    ("Output", "OutputValue"),
    ("RecordOutput", "OutputValue"),
    ("Parameter", "ParameterValue"),
    ("Parameter", "ResolvedValue"),
    ("ProvisioningParameter", "Value"),
    ("UpdateProvisioningParameter", "Value"),
    ("KeyValuePair", "value"),
    ("EnvironmentVariable", "value"),
    ("ConfigurationOptionSetting", "Value"),
    // Systems Manager. One that is encrypted says so beside it.
    ("Parameter", "Value"),
    ("ParameterHistory", "Value"),
    ("PutParameterRequest", "Value"),
    ("GetParameterResult", "Value"),
];

/// Whether a member of a structure may as well name a resource.
pub(super) fn may_name(listed: &[Listed], holder: &str, name: &str) -> bool {
    !listed.is_empty() && ANYTHING.contains(&(holder, name))
}

/// The unmarked credentials of a service.
pub(super) fn of(sdk_id: &str) -> &'static [Listed] {
    let service = SERVICES.iter().find(|(known, _)| *known == sdk_id);
    service.map_or(&[][..], |(_, list)| list)
}
