//! The permission matrix: every endpoint with no access token, an unknown one, one that has expired, one that allows
//! nothing, one that lacks each of the permissions in turn, and one that allows just enough.

use serde_json::{Value, json};

use crate::support::client::{FORM, Response};
use crate::support::fixture::{self as data, LOGIN, POWERLESS, PROFILE};
use crate::support::server::{Server, Setup};

const API: &str = "/crafter-profile/api/1";

const EXPIRED: &str = "expired";
const MASTER: &str = "master";

/// What a call needs, in the order in which it is checked.
#[derive(Clone, Copy, Debug)]
enum Needs {
    /// These actions on the tenant `default`.
    Tenant(&'static [&'static str]),
    /// This action on every tenant.
    Global(&'static str),
    /// That it is a master, for this action on access tokens in general.
    MasterInGeneral(&'static str),
    /// That it is a master, for this action on the access token `powerless`.
    MasterOfOne(&'static str),
}

use Needs::{Global, MasterInGeneral, MasterOfOne, Tenant};

const PROFILES: &str = "MANAGE_PROFILES";
const READ: &str = "READ_TENANT";
const TICKETS: &str = "MANAGE_TICKETS";
const UPDATE: &str = "UPDATE_TENANT";

const READS_PROFILE: Needs = Tenant(&[PROFILES, READ]);
const CREATES_LOGIN: Needs = Tenant(&[PROFILES, READ, TICKETS]);
const USES_LOGIN: Needs = Tenant(&[TICKETS]);
const UPDATES_TENANT: Needs = Tenant(&[READ, UPDATE]);

/// A multipart form with a file.
const FILE: &str = "--x\r\nContent-Disposition: form-data; name=\"attachment\"; filename=\"me.gif\"\r\n\r\nGIF89a\r\n\
                    --x--\r\n";

/// A method, a path below the API, a form or a JSON body, and what the call needs. `{ticket}` is the id of a
/// ticket, `{verification}` that of a verification token.
type Row = (&'static str, &'static str, &'static str, Needs);

const MATRIX: &[Row] = &[
    // Persistent logins.
    (
        "POST",
        "/authentication/persistent_login/create",
        "profileId={profile}",
        CREATES_LOGIN,
    ),
    (
        "GET",
        "/authentication/persistent_login/{login}",
        "",
        USES_LOGIN,
    ),
    (
        "POST",
        "/authentication/persistent_login/{login}/refresh_token",
        "",
        USES_LOGIN,
    ),
    (
        "POST",
        "/authentication/persistent_login/{login}/delete",
        "",
        USES_LOGIN,
    ),
    (
        "GET",
        "/authentication/persistent_login/by_profile",
        "profileId={profile}",
        USES_LOGIN,
    ),
    (
        "POST",
        "/authentication/persistent_login/by_profile",
        "profileId={profile}",
        USES_LOGIN,
    ),
    (
        "POST",
        "/authentication/persistent_login/delete_by_profile",
        "profileId={profile}",
        USES_LOGIN,
    ),
    // Signing in, and tickets.
    (
        "POST",
        "/authentication/authenticate",
        "tenantName=default&username=ann&password=secret",
        Tenant(&[TICKETS, PROFILES, READ]),
    ),
    (
        "POST",
        "/authentication/ticket/create",
        "profileId={profile}",
        CREATES_LOGIN,
    ),
    ("GET", "/authentication/ticket/{ticket}", "", USES_LOGIN),
    (
        "POST",
        "/authentication/ticket/{ticket}/invalidate",
        "",
        USES_LOGIN,
    ),
    // Access tokens.
    (
        "POST",
        "/access_token/create",
        r#"{"application":"new","tenantPermissions":[]}"#,
        MasterInGeneral("CREATE_TOKEN"),
    ),
    (
        "GET",
        "/access_token/all",
        "",
        MasterInGeneral("READ_TOKEN"),
    ),
    (
        "GET",
        "/access_token/powerless",
        "",
        MasterOfOne("READ_TOKEN"),
    ),
    (
        "POST",
        "/access_token/powerless/delete",
        "",
        MasterOfOne("DELETE_TOKEN"),
    ),
    // Tenants.
    (
        "POST",
        "/tenant/create",
        r#"{"name":"new"}"#,
        Global("CREATE_TENANT"),
    ),
    (
        "POST",
        "/tenant/update",
        r#"{"name":"default"}"#,
        UPDATES_TENANT,
    ),
    ("GET", "/tenant/default", "", Tenant(&[READ])),
    ("GET", "/tenant/count", "", Global(READ)),
    ("GET", "/tenant/all", "", Global(READ)),
    (
        "POST",
        "/tenant/default/delete",
        "",
        Tenant(&["DELETE_TENANT"]),
    ),
    (
        "POST",
        "/tenant/default/verify_new_profiles",
        "verify=true",
        UPDATES_TENANT,
    ),
    (
        "POST",
        "/tenant/default/roles/add",
        "role=A",
        UPDATES_TENANT,
    ),
    (
        "POST",
        "/tenant/default/roles/remove",
        "role=A",
        UPDATES_TENANT,
    ),
    (
        "POST",
        "/tenant/default/attribute_definitions/add",
        r#"[{"name":"new"}]"#,
        UPDATES_TENANT,
    ),
    (
        "POST",
        "/tenant/default/attribute_definitions/update",
        r#"[{"name":"color"}]"#,
        UPDATES_TENANT,
    ),
    (
        "POST",
        "/tenant/default/attribute_definitions/remove",
        "attributeName=color",
        UPDATES_TENANT,
    ),
    // Verification tokens.
    (
        "POST",
        "/profile/{profile}/verification_token/create",
        "",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/verification_token/{verification}",
        "",
        Tenant(&[PROFILES]),
    ),
    (
        "POST",
        "/profile/verification_token/{verification}/delete",
        "",
        Tenant(&[PROFILES]),
    ),
    // Profiles.
    (
        "POST",
        "/profile/create",
        "tenantName=default&username=new&email=a@b.example&enabled=true",
        Tenant(&[PROFILES, READ]),
    ),
    (
        "POST",
        "/profile/{profile}/update",
        "email=c@d.example",
        READS_PROFILE,
    ),
    ("POST", "/profile/{profile}/enable", "", READS_PROFILE),
    ("POST", "/profile/{profile}/disable", "", READS_PROFILE),
    (
        "POST",
        "/profile/{profile}/roles/add",
        "role=A",
        READS_PROFILE,
    ),
    (
        "POST",
        "/profile/{profile}/roles/remove",
        "role=A",
        READS_PROFILE,
    ),
    ("GET", "/profile/{profile}/attributes", "", READS_PROFILE),
    (
        "POST",
        "/profile/{profile}/attributes/update",
        r#"{"color":"red"}"#,
        READS_PROFILE,
    ),
    (
        "POST",
        "/profile/{profile}/attributes/remove",
        "attributeName=color",
        READS_PROFILE,
    ),
    (
        "POST",
        "/profile/verify",
        "verificationTokenId={verification}",
        READS_PROFILE,
    ),
    (
        "POST",
        "/profile/change_password",
        "resetTokenId={verification}&newPassword=new",
        READS_PROFILE,
    ),
    (
        "POST",
        "/profile/{profile}/reset_password",
        "resetPasswordUrl=https://a.example/",
        READS_PROFILE,
    ),
    ("POST", "/profile/{profile}/delete", "", READS_PROFILE),
    ("GET", "/profile/{profile}", "", READS_PROFILE),
    (
        "GET",
        "/profile/by_username",
        "tenantName=default&username=ann",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/by_ticket",
        "ticketId={ticket}",
        Tenant(&[TICKETS, PROFILES, READ]),
    ),
    (
        "GET",
        "/profile/count",
        "tenantName=default",
        Tenant(&[PROFILES]),
    ),
    // Attachments.
    (
        "POST",
        "/profile/{profile}/uploadAttachment",
        FILE,
        READS_PROFILE,
    ),
    ("GET", "/profile/{profile}/attachment/me", "", READS_PROFILE),
    (
        "GET",
        "/profile/{profile}/attachment/me/details",
        "",
        READS_PROFILE,
    ),
    ("GET", "/profile/{profile}/attachments", "", READS_PROFILE),
    // Lists.
    ("GET", "/profile/range", "tenantName=default", READS_PROFILE),
    (
        "GET",
        "/profile/by_query",
        "tenantName=default&query=",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/one_by_query",
        "tenantName=default&query=",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/count_by_query",
        "tenantName=default&query=",
        READS_PROFILE,
    ),
    ("GET", "/profile/by_ids", "id={profile}", READS_PROFILE),
    (
        "GET",
        "/profile/by_role",
        "tenantName=default&role=USER",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/by_existing_attribute",
        "tenantName=default&attributeName=color",
        READS_PROFILE,
    ),
    (
        "GET",
        "/profile/by_attribute_value",
        "tenantName=default&attributeName=color&attributeValue=blue",
        READS_PROFILE,
    ),
];

/// A server with a tenant, two profiles, one of which has a password, a login, a ticket, a verification token and
/// these access tokens.
struct Fixture {
    server: Server,
    ticket: String,
    verification: String,
}

impl Fixture {
    fn new(access_tokens: Vec<Value>) -> Self {
        let mut seed = data::seed();
        seed["accesstoken"]
            .as_array_mut()
            .expect("a list")
            .extend(access_tokens);
        seed["tenant"][0]["attributeDefinitions"] = json!([
            {"name": "color", "permissions": [{"application": "*", "allowedActions": ["*"]}]}
        ]);
        let profile = &mut seed["profile"][0];
        profile["roles"] = json!(["USER"]);
        profile["attributes"] = json!({"color": "blue"});
        let server = Setup::new().seed(seed).start();
        let admin = |path: &str, form: &str| {
            let form = format!("accessTokenId={}&{form}", data::ADMIN);
            let response = server.client().post(&format!("{API}{path}"), &form);
            assert_eq!(response.status, 200, "{response:?}");
            response
        };
        admin(
            "/profile/create",
            "tenantName=default&username=ann&password=secret&email=ann@b.example&enabled=true",
        );
        let ticket = admin(
            "/authentication/ticket/create",
            &format!("profileId={PROFILE}"),
        );
        let upload = format!("{API}/profile/{PROFILE}/uploadAttachment");
        let target = format!("{upload}?accessTokenId={}", data::ADMIN);
        let form = ("content-type", "multipart/form-data; boundary=x");
        let client = server.client();
        let uploaded = client.send("POST", &target, &[form], Some(FILE.as_bytes()));
        assert_eq!(uploaded.status, 200, "{uploaded:?}");
        let id_of = |response: &Response| {
            let body: Value = serde_json::from_str(&response.body).expect("JSON");
            body["id"].as_str().expect("a text").to_owned()
        };
        let verification = format!("/profile/{PROFILE}/verification_token/create");
        Self {
            ticket: id_of(&ticket),
            verification: id_of(&admin(&verification, "")),
            server,
        }
    }

    /// Makes the call of a row with an access token, if there is one.
    fn call(&self, row: &Row, access_token_id: Option<&str>) -> Response {
        let &(method, path, input, _) = row;
        let fill = |text: &str| {
            let text = text.replace("{profile}", PROFILE).replace("{login}", LOGIN);
            text.replace("{ticket}", &self.ticket)
                .replace("{verification}", &self.verification)
        };
        let caller = access_token_id.map(|id| format!("accessTokenId={id}"));
        let path = format!("{API}{}", fill(path));
        let with_query = |query: &str| {
            let query: Vec<&str> = [caller.as_deref().unwrap_or(""), query]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            format!("{path}?{}", query.join("&"))
        };
        let client = self.server.client();
        if method == "GET" {
            client.get(&with_query(&fill(input)))
        } else if input == FILE {
            let form = ("content-type", "multipart/form-data; boundary=x");
            client.send(method, &with_query(""), &[form], Some(FILE.as_bytes()))
        } else if input.starts_with(['{', '[']) {
            let json = ("content-type", "application/json");
            client.send(
                method,
                &with_query(""),
                &[json],
                Some(fill(input).as_bytes()),
            )
        } else {
            let form: Vec<String> = caller.into_iter().chain([fill(input)]).collect();
            client.send(method, &path, &[FORM], Some(form.join("&").as_bytes()))
        }
    }
}

fn access_token(id: &str, permissions: Value) -> Value {
    json!({"_id": id, "application": "matrix", "tenantPermissions": permissions})
}

fn on(tenant: &str, actions: &[&str]) -> Value {
    json!([{"tenant": tenant, "allowedActions": actions}])
}

impl Needs {
    /// An access token that allows just enough, and those that lack one permission each, with what is denied.
    fn access_tokens(self) -> (Value, Vec<(Value, String)>) {
        let denied = |action: &str, on: &str| {
            format!(
                "Current subject does not have permission to execute {on}",
                on = on.replace("{}", &format!("\"{action}\""))
            )
        };
        match self {
            Tenant(actions) => {
                let short = actions.iter().enumerate().map(|(at, action)| {
                    let others: Vec<&str> = actions
                        .iter()
                        .copied()
                        .filter(|other| other != action)
                        .collect();
                    let token = access_token(&format!("short-{at}"), on("default", &others));
                    (token, denied(action, "action {} on tenant \"default\""))
                });
                (
                    access_token("enough", on("default", actions)),
                    short.collect(),
                )
            }
            Global(action) => {
                let short = access_token("short-0", on("default", &["*"]));
                (
                    access_token("enough", on("*", &[action])),
                    vec![(short, denied(action, "global action {}"))],
                )
            }
            MasterInGeneral(action) | MasterOfOne(action) => {
                let mut enough = access_token("enough", json!([]));
                enough[MASTER] = json!(true);
                let short = access_token("short-0", on("*", &["*"]));
                let what = match self {
                    MasterOfOne(_) => "action {} on powerless",
                    Tenant(_) | Global(_) | MasterInGeneral(_) => "global action {}",
                };
                (enough, vec![(short, denied(action, what))])
            }
        }
    }
}

#[test]
fn every_endpoint_checks_each_permission_in_its_order() {
    for row in MATRIX {
        let (enough, short) = row.3.access_tokens();
        let mut expired = access_token(EXPIRED, on("*", &["*"]));
        expired["expiresOn"] = json!(1_000);
        let mut tokens = vec![expired, enough];
        tokens.extend(short.iter().map(|(token, _)| token.clone()));
        let fixture = Fixture::new(tokens);
        let what = format!("{} {}", row.0, row.1);
        let assert_refused = |id: Option<&str>, code: &str, message: &str| {
            let response = fixture.call(row, id);
            let message = serde_json::to_string(message).expect("a text has JSON");
            let body = format!(r#"{{"errorCode":"{code}","message":{message}}}"#);
            assert_eq!(
                (response.status, response.body),
                (403, body),
                "{what} with {id:?}"
            );
        };
        let missing = "Access token ID param missing from request";
        assert_refused(None, "ACCESS_DENIED", missing);
        assert_refused(Some(""), "ACCESS_DENIED", missing);
        assert_refused(
            Some("nobody"),
            "ACCESS_DENIED",
            "No access token found for ID \"nobody\"",
        );
        let expired = "Access token \"expired\" for application \"matrix\" expired on 01/01/1970";
        assert_refused(Some(EXPIRED), "ACCESS_DENIED", expired);
        assert_refused(Some(POWERLESS), "ACTION_DENIED", &short[0].1);
        for (token, denied) in &short {
            assert_refused(token["_id"].as_str(), "ACTION_DENIED", denied);
        }
        let response = fixture.call(row, Some("enough"));
        assert_eq!(response.status, 200, "{what}: {response:?}");
    }
}
