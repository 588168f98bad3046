//! What tests of single schedules share.

use kthreads_explore::{Config, Ran, Room, Scenario, Telling, run_schedule};

/// What comes of schedule `number` of a campaign.
pub(crate) fn schedule(
    config: &Config,
    number: u64,
    scenario: &dyn Scenario,
    (room, telling): (&mut Room, Telling),
) -> Ran {
    let seed = config.seed_of(number);
    let mut strategy = config.strategy.make();
    strategy.begin(seed);
    run_schedule(config, strategy, seed, scenario, telling, room).0
}

/// All that there is to know of one schedule: what happened when, where and to whom if that was
/// told, what was chosen, what was logged. Addresses may differ from room to room.
pub(crate) fn all_of(ran: &Ran) -> (Vec<String>, u64, u64, String, String) {
    let events = ran.story.iter().flat_map(|story| &story.events);
    let moments = events.map(|it| {
        let (kind, on) = (it.kind, (it.cpu, it.thread, it.is_interrupt));
        format!("{:?} {on:?} {kind}", it.time)
    });
    (moments.collect(), ran.hash, ran.steps, ran.choices.to_string(), ran.log.join("\n"))
}
