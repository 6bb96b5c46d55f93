//! Every way of writing weeks, and what is no way.

use super::*;

fn of(text: &str) -> Vec<u8> {
    Weeks::parse(text).unwrap().iter().collect()
}

fn odd(weeks: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    weeks.filter(|week| week % 2 == 1).collect()
}

fn even(weeks: std::ops::RangeInclusive<u8>) -> Vec<u8> {
    weeks.filter(|week| week % 2 == 0).collect()
}

/// Requirements §3.3: “all must parse”.
#[test]
fn what_timetables_write_is_read() {
    let all: Vec<u8> = (1..=16).collect();
    assert_eq!(of("1-16"), all);
    assert_eq!(of("1-16周"), all);
    assert_eq!(of("第1-16周"), all);
    assert_eq!(of("1－16 周"), all);
    assert_eq!(of("1-16周(单)"), odd(1..=16));
    assert_eq!(of("2-16周(双)"), even(2..=16));
    assert_eq!(of("1-16（单周）"), odd(1..=16));
    assert_eq!(of("1-16([双周])[05-06节]双"), even(1..=16));
    let broken: Vec<u8> = (1..=9).chain(12..=14).collect();
    assert_eq!(of("1-9周,12-14周"), broken);
    assert_eq!(of("2、5、8"), [2, 5, 8]);
    let mixed = [(1..=5).collect(), odd(7..=11), even(12..=16)].concat();
    assert_eq!(of("1-5、7-11单、12-16双"), mixed);
    let single: Vec<u8> = (1..=6).chain([8]).chain(10..=17).collect();
    assert_eq!(of("1-6,8,10-17"), single);
    assert_eq!(of("3,3,3,"), [3]);
    assert_eq!(of("40"), [40]);
}

#[test]
fn what_is_not_clear_is_said() {
    let unclear = |text| Weeks::parse(text).unwrap_err();
    assert_eq!(unclear(""), Unclear::Empty);
    assert_eq!(unclear(" 、 "), Unclear::Empty);
    assert_eq!(unclear("1-16x"), Unclear::At(5));
    assert_eq!(unclear("1 2"), Unclear::At(3));
    assert_eq!(unclear("1--2"), Unclear::At(3));
    assert_eq!(unclear("-2"), Unclear::At(1));
    assert_eq!(unclear("1-8[05-06节"), Unclear::At(4));
    assert_eq!(unclear("0-3"), Unclear::Range);
    assert_eq!(unclear("5-3"), Unclear::Range);
    assert_eq!(unclear("1-41"), Unclear::Range);
    assert_eq!(unclear("1-99999999999"), Unclear::Range);
    assert_eq!(unclear("3-"), Unclear::Range);
    assert_eq!(unclear("单"), Unclear::Range);
    assert_eq!(unclear("1-16单双"), Unclear::Parity);
    // Even weeks of a range without one.
    assert_eq!(unclear("3双"), Unclear::Empty);
    assert_eq!(unclear(&"1,".repeat(101)), Unclear::Empty);
}

/// Whatever weeks there are, what is written of them reads as the same weeks.
#[test]
fn what_is_written_reads_as_it_was() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..2_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let weeks = Weeks((seed | 2) & ((1 << (LAST + 1)) - 2));
        assert_eq!(Weeks::parse(&weeks.to_string()), Ok(weeks), "{weeks}");
        assert_eq!(weeks.iter().count(), weeks.0.count_ones() as usize);
        assert_eq!(Some(weeks.last()), weeks.iter().max());
    }
}

/// Nothing that can be typed stops the program.
#[test]
fn whatever_is_typed_is_answered() {
    const TYPED: &[char] = &[
        '0', '1', '9', '-', '～', '、', ',', '单', '双', '周', '第', '(', ')', '[', ']', '节', 'x',
    ];
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..seed % 12 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text.push(TYPED[(seed >> 32) as usize % TYPED.len()]);
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if let Ok(weeks) = Weeks::parse(&text) {
            assert!(
                weeks.iter().all(|week| (1..=LAST).contains(&week)),
                "{text}"
            );
            assert!(weeks.iter().next().is_some(), "{text}");
        }
    }
}
