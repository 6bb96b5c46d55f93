//! The MQTT endpoint under many boxes: `./dev bench endpoint` and `./dev chaos`, cut short.

use anyhow::Result;
use xunke_tests::bench::endpoint;
use xunke_tests::bench::figure::Figure;
use xunke_tests::load::chaos;

use crate::shared::{folder, run};

fn assert_met(figures: &[Figure]) {
    let missed: Vec<_> = figures.iter().filter(|figure| figure.misses()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// M4, M20: a PUBACK means that the hub has the message, also when it is killed.
#[test]
fn boxes_come_back_after_the_hub_was_killed_and_nothing_is_lost_or_twice() -> Result<()> {
    run(async {
        let wishes = endpoint::Crowd {
            boxes: 30,
            steady_seconds: 2,
            per_second: 40.0,
            away_seconds: 1,
            alone: true,
        };
        assert_met(&endpoint::measure(&wishes, &folder("endpoint")?).await?);
        Ok(())
    })
}

/// M4: 0 lost, 0 doubled effects.
#[test]
fn events_survive_a_killed_hub_a_pulled_cable_and_boxes_without_power() -> Result<()> {
    run(async {
        let wishes = chaos::Wishes {
            events: 150,
            kills: 1,
            seed: 1,
        };
        assert_met(&chaos::measure(&wishes, &folder("chaos")?).await?);
        Ok(())
    })
}
