//! Random operations, mostly on what is there.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use crate::accounts::model::Model;
use crate::accounts::operation::{Change, Created, Definitions, Operation, Update};

/// All names.
pub const TENANTS: [&str; 2] = ["acme", "globex"];
pub const USERNAMES: [&str; 6] = ["ann", "bob", "cleo", "dan", "eve", "finn"];
pub const TOKENS: [&str; 3] = ["console", "shop", "forum"];
const ROLES: [&str; 4] = ["USER", "ADMIN", "EDITOR", "GUEST"];
const ATTRIBUTES: [&str; 4] = ["age", "size", "floor", "score"];

/// How many passwords there are.
const PASSWORDS: u8 = 3;

/// The next operation.
pub fn draw(random: &mut StdRng, model: &Model) -> Operation {
    match random.random_range(0..200) {
        0..6 => Operation::CreateTenant(one(random, &TENANTS)),
        6..8 => Operation::DeleteTenant(one(random, &TENANTS)),
        8..22 => Operation::ChangeTenant(one(random, &TENANTS), change(random)),
        22..45 => Operation::CreateProfile(created(random)),
        45..62 => Operation::UpdateProfile(profile(random, model), update(random)),
        62..70 => Operation::SetEnabled(profile(random, model), random.random_bool(0.7)),
        70..74 => Operation::AddRoles(profile(random, model), some(random, &ROLES)),
        74..78 => Operation::RemoveRoles(profile(random, model), some(random, &ROLES)),
        78..84 => Operation::SetAttributes(profile(random, model), attributes(random)),
        84..88 => Operation::RemoveAttributes(profile(random, model), some(random, &ATTRIBUTES)),
        88..92 => Operation::DeleteProfile(profile(random, model)),
        92..116 => sign_in(random, model),
        116..128 => Operation::CreateTicket(profile(random, model)),
        128..146 => Operation::ReadTicket(ticket(random, model)),
        146..151 => Operation::Invalidate(ticket(random, model)),
        151..160 => Operation::CreateLogin(profile(random, model)),
        160..169 => Operation::Refresh(login(random, model)),
        169..174 => Operation::CreateToken(one(random, &TOKENS)),
        174..177 => Operation::DeleteToken(one(random, &TOKENS)),
        177..184 => Operation::UseToken(one(random, &TOKENS), profile(random, model)),
        184..188 => Operation::SaveRequests,
        188..190 => Operation::RemoveExpired,
        190..195 => Operation::CarryOutSweeps,
        _ => Operation::RemoveEnded,
    }
}

/// The id of a profile, rarely of one that is deleted.
pub fn profile(random: &mut StdRng, model: &Model) -> String {
    let past = model.known.profiles.iter();
    choose(random, model.profile_ids(), past)
}

fn ticket(random: &mut StdRng, model: &Model) -> String {
    choose(random, model.ticket_ids(), model.known.tickets.iter())
}

fn login(random: &mut StdRng, model: &Model) -> String {
    choose(random, model.login_ids(), model.known.logins.iter())
}

fn choose<'m>(
    random: &mut StdRng,
    present: impl Iterator<Item = &'m String>,
    past: impl Iterator<Item = &'m String>,
) -> String {
    let is_past = random.random_bool(0.1);
    let present = present.choose(random);
    let past = past.choose(random);
    let chosen = if is_past { past } else { present };
    chosen.cloned().unwrap_or("none".to_owned())
}

fn sign_in(random: &mut StdRng, model: &Model) -> Operation {
    let known = model.credentials(&profile(random, model));
    let (tenant, username, password) = known.unwrap_or((TENANTS[0], USERNAMES[0], None));
    let own = |names: &[&'static str], name: &str| {
        let found = names.iter().find(|other| **other == name);
        *found.expect("it is one of all names")
    };
    let (tenant, username) = (own(&TENANTS, tenant), own(&USERNAMES, username));
    let other = random.random_range(0..PASSWORDS);
    let password = password.filter(|_| random.random_bool(0.6));
    Operation::SignIn(tenant, username, password.unwrap_or(other))
}

fn created(random: &mut StdRng) -> Created {
    Created {
        tenant: one(random, &TENANTS),
        username: one(random, &USERNAMES),
        email: random.random(),
        password: random
            .random_bool(0.8)
            .then(|| random.random_range(0..PASSWORDS)),
        is_enabled: random.random_bool(0.9),
        roles: some(random, &ROLES),
        attributes: if random.random_bool(0.5) {
            Vec::new()
        } else {
            attributes(random)
        },
    }
}

fn update(random: &mut StdRng) -> Update {
    let mut is_set = |probability| random.random_bool(probability);
    let (username, email, password) = (is_set(0.3), is_set(0.6), is_set(0.15));
    let (enabled, roles, given) = (is_set(0.3), is_set(0.3), is_set(0.3));
    Update {
        username: username.then(|| one(random, &USERNAMES)),
        email: email.then(|| random.random()),
        password: password.then(|| random.random_range(0..PASSWORDS)),
        is_enabled: enabled.then(|| random.random_bool(0.7)),
        roles: roles.then(|| some(random, &ROLES)),
        attributes: if given {
            attributes(random)
        } else {
            Vec::new()
        },
    }
}

fn change(random: &mut StdRng) -> Change {
    match random.random_range(0..12) {
        0..3 => Change::AddRoles(some(random, &ROLES)),
        3..5 => Change::RemoveRoles(some(random, &ROLES)),
        5..8 => Change::AddDefinitions(definitions(random)),
        8 => Change::UpdateDefinitions(definitions(random)),
        9 | 10 => Change::RemoveDefinitions(some(random, &ATTRIBUTES)),
        _ => Change::Replace(some(random, &ROLES), definitions(random)),
    }
}

fn attributes(random: &mut StdRng) -> Vec<(&'static str, u32)> {
    let names = some(random, &ATTRIBUTES).into_iter();
    names
        .map(|name| (name, random.random_range(0..100)))
        .collect()
}

fn definitions(random: &mut StdRng) -> Definitions {
    let names = some(random, &ATTRIBUTES).into_iter();
    let mut default = || random.random_bool(0.5).then(|| random.random_range(0..100));
    names.map(|name| (name, default())).collect()
}

fn one(random: &mut StdRng, names: &[&'static str]) -> &'static str {
    names[random.random_range(0..names.len())]
}

/// One or more of the names.
fn some(random: &mut StdRng, names: &[&'static str]) -> Vec<&'static str> {
    let count = [1, 1, 2, 3][random.random_range(0..4)];
    names.iter().copied().sample(random, count)
}
