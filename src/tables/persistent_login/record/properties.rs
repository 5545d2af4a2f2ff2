//! The records of persistent logins on a bad disk.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use uuid::Uuid;

use super::{DEVICE_VERSION, VERSION};
use super::{
    apply_rotation, decode, decode_device, decode_profile, decode_usage, encode, encode_device,
    encode_profile, rotation_of, with_rotation,
};
use crate::clock::Timestamp;
use crate::clock::timeline::Moment;
use crate::domain::device::Device;
use crate::domain::login_state::{ImportedTokens, KeyEpoch, LoginState};
use crate::domain::object_id::ObjectId;
use crate::domain::persistent_login::PersistentLoginId;
use crate::domain::tenant::TenantName;
use crate::domain::token_chain::{Generation, Rotation, SHARED_GENERATIONS, TokenChain, Window};
use crate::error::Failure;
use crate::property::assert_holds;
use crate::storage::codec::Encoder;
use crate::storage::codec::properties::{check, check_time, text};
use crate::tables::persistent_login::key::LoginKey;
use crate::tables::persistent_login::usage::Usage;
use crate::tables::properties::{object_id, tenant_name};

const KEY: LoginKey = LoginKey {
    profile_id: ObjectId::from_bytes([9; 12]),
    id: PersistentLoginId::new(Uuid::from_u128(42)),
};

fn windows(end: Generation, at: Moment) -> impl Strategy<Value = Window> + Clone {
    let ages = 0..1_u64 << 40;
    (0..=end, 0..9_u32, ages).prop_map(move |(first, voided, age)| Window {
        first,
        resume: first + voided,
        began: at.minus(Duration::from_millis(age)),
    })
}

fn rotations(current: Generation) -> impl Strategy<Value = Rotation> + Clone {
    let at = (0..1_i64 << 48).prop_map(Moment::from_millis);
    (at, 0..current, 0..=SHARED_GENERATIONS, any::<bool>()).prop_flat_map(
        move |(at, parent, late_generations, is_late)| {
            windows(current, at).prop_flat_map(move |window| {
                let previous = option::of(windows(window.first, at));
                let began = Window {
                    first: parent,
                    resume: parent + 1,
                    began: at,
                };
                (previous, any::<bool>()).prop_map(move |(previous, is_begun)| Rotation {
                    at,
                    parent,
                    window: if is_begun && previous.is_none() {
                        began
                    } else {
                        window
                    },
                    previous,
                    late_generations,
                    is_late,
                    without_token: is_late != is_begun,
                })
            })
        },
    )
}

fn chains() -> impl Strategy<Value = TokenChain> + Clone {
    (1..u32::MAX >> 1).prop_flat_map(|current| {
        let rotation = option::of(rotations(current));
        rotation.prop_map(move |rotation| TokenChain { current, rotation })
    })
}

fn logins() -> impl Strategy<Value = LoginState> + Clone {
    let key = (any::<u32>(), any::<u32>());
    let key = key.prop_map(|(number, since)| KeyEpoch { number, since });
    let imported = (any::<u32>(), 0..3_u32, vec(any::<u8>(), 60));
    let imported = imported.prop_map(|(key, count, sealed)| {
        let sealed = &sealed[..28 + 16 * count as usize];
        let imported = ImportedTokens::from_sealed(key, count, sealed);
        Arc::new(imported.expect("it has as many bytes as its tokens"))
    });
    let fields = (
        tenant_name(),
        any::<i64>().prop_map(Moment::from_millis),
        any::<u64>(),
        chains(),
        key,
        option::of(imported),
    );
    fields.prop_map(|(tenant, created, era, chain, key, imported)| LoginState {
        id: KEY.id,
        tenant,
        profile_id: KEY.profile_id,
        created,
        era,
        chain,
        key,
        imported,
    })
}

#[test]
fn persistent_logins_are_what_they_were() {
    check(logins(), encode, |record| decode(KEY, record));
    assert_holds(logins(), |login| {
        assert_eq!(decode_usage(KEY, &encode(&login)), Ok(Usage::of(&login)));
    });
}

#[test]
fn a_rotation_changes_the_chain_and_drops_imported_tokens_that_are_not_accepted() {
    assert_holds(
        (logins(), chains(), any::<u32>()),
        |(before, chain, number)| {
            let key = KeyEpoch { number, since: 3 };
            let mut after = LoginState {
                chain,
                key,
                ..before.clone()
            };
            let mut record = b"before".to_vec();
            let delta = with_rotation(&after, <[u8]>::to_vec);
            apply_rotation(&encode(&before), &delta, &mut record).expect("both decode");
            let first = chain.first_accepted();
            after.imported = after.imported.filter(|imported| first < imported.count);
            assert_eq!(rotation_of(&record[6..]).as_ref(), Ok(&delta));
            assert_eq!(decode(KEY, &record[6..]), Ok(after));
            for short in [&delta[1..], &delta[..delta.len() - 1]] {
                let applied = apply_rotation(&encode(&before), short, &mut Vec::new());
                assert!(matches!(applied, Ok(()) | Err(Failure::Corrupt(_))));
            }
        },
    );
}

#[test]
fn a_usual_record_and_its_rotation_are_short() {
    let keyed = LoginState {
        id: KEY.id,
        tenant: TenantName::new("default").expect("not empty"),
        profile_id: KEY.profile_id,
        created: Moment::from_millis(1_795_850_009_253),
        era: 0,
        chain: TokenChain {
            current: 100,
            rotation: None,
        },
        key: KeyEpoch {
            number: 1,
            since: 0,
        },
        imported: None,
    };
    let now = Timestamp::from_millis(1_796_850_009_253).into();
    let rotated = LoginState {
        chain: keyed.chain.rotated(&now, Duration::from_secs(60)),
        ..keyed
    };
    assert_eq!(with_rotation(&rotated, <[u8]>::len), 9);
    assert_eq!(encode(&rotated).len(), 26);
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
    let up_to_the_tenant = Encoder::new(VERSION).varint(7);
    check_time(&up_to_the_tenant.finish(), |record| decode(KEY, record));
    let up_to_the_label = Encoder::new(DEVICE_VERSION).bool(true);
    check_time(&up_to_the_label.finish(), decode_device);
}
