//! The records of persistent logins on a bad disk.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use uuid::Uuid;

use super::{DEVICE_VERSION, VERSION};
use super::{
    apply_rotation, decode, decode_device, decode_profile, encode, encode_device, encode_profile,
};
use crate::domain::device::Device;
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::{PersistentLogin, PersistentLoginId, Rotation, Token};
use crate::property::assert_holds;
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, text, timestamp};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::properties::{object_id, tenant_name};

const KEY: LoginKey = LoginKey {
    profile_id: ObjectId::from_bytes([9; 12]),
    id: PersistentLoginId::new(Uuid::from_u128(42)),
};

fn tokens() -> impl Strategy<Value = Token> + Clone {
    any::<u128>().prop_map(|number| Token::new(Uuid::from_u128(number)))
}

#[test]
fn persistent_logins_are_what_they_were() {
    let rotations = (tokens(), timestamp()).prop_map(|(replaced, at)| Rotation { replaced, at });
    let logins = (tenant_name(), tokens(), timestamp(), option::of(rotations));
    let logins = logins.prop_map(|(tenant, token, timestamp, rotation)| PersistentLogin {
        id: KEY.id,
        tenant,
        profile_id: KEY.profile_id,
        token,
        timestamp,
        rotation,
    });
    check(logins, encode, |record| decode(KEY, record));
}

#[test]
fn devices_are_what_they_were() {
    let texts = || option::of(text());
    let devices = (texts(), texts(), texts());
    let devices = devices.prop_map(|(label, user_agent, ip_address)| Device {
        label,
        user_agent,
        ip_address,
    });
    check(devices, encode_device, decode_device);
}

#[test]
fn profiles_of_logins_are_what_they_were() {
    let encode = |id: &ObjectId| encode_profile(*id);
    check(object_id(), encode, decode_profile);
}

#[test]
fn rotations_apply_to_any_record() {
    let bytes = || vec(any::<u8>(), 0..120);
    assert_holds((bytes(), bytes()), |(record, delta)| {
        let _ = apply_rotation(&record, &delta, &mut Vec::new());
    });
}

#[test]
fn keys_are_what_they_were_and_sort_like_their_fields() {
    let ids = || any::<u128>().prop_map(|id| PersistentLoginId::new(Uuid::from_u128(id)));
    let keys = || (object_id(), ids()).prop_map(|(profile_id, id)| LoginKey { profile_id, id });
    assert_holds((keys(), keys()), |(one, other)| {
        assert_eq!(LoginKey::from_bytes(&one.to_bytes()), one);
        assert_eq!(one.to_bytes().cmp(&other.to_bytes()), one.cmp(&other));
    });
}

#[test]
fn long_records_take_their_share_of_time() {
    let up_to_the_tenant = Encoder::new(VERSION).bytes(&[1; 24]).bool(false);
    check_time(&up_to_the_tenant.finish(), |record| decode(KEY, record));
    let up_to_the_label = Encoder::new(DEVICE_VERSION).bool(true);
    check_time(&up_to_the_label.finish(), decode_device);
}
