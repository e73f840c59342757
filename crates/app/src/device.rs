//! Between what is planned and what the engine is told: the device, and what is free on it now.

use cortensor_engine::{Device, Engine};
use cortensor_hardware::{Backend, GpuUse, Hardware};
use cortensor_planner::Placement;
use cortensor_protocol::DeviceKind;

/// Where the engine loads what was planned. `plan_settings` asks for plans on one device alone.
pub(crate) fn device(placement: &Placement) -> Device {
    match placement {
        Placement::Processor => Device::Processor,
        Placement::Cards { cards, .. } | Placement::Split { cards, .. } => {
            cards.first().map_or(Device::Processor, |card| Device::Card(*card))
        }
    }
}

/// The number of the card that `device` is, if it is one.
pub(crate) const fn card(device: Device) -> Option<u32> {
    match device {
        Device::Processor => None,
        Device::Card(card) => Some(card),
    }
}

/// Through what `device` computes, beside the processor.
pub(crate) const fn backend(device: Device) -> Option<Backend> {
    match device.kind() {
        DeviceKind::Processor => None,
        DeviceKind::Cuda => Some(Backend::Cuda),
        DeviceKind::Metal => Some(Backend::Metal),
    }
}

/// Bytes free on `device` now.
pub(crate) fn free_bytes(device: Device) -> u64 {
    match device {
        Device::Processor => cortensor_hardware::current_load().1,
        Device::Card(card) => cortensor_hardware::card_free_bytes(card).unwrap_or(0),
    }
}

/// Bytes taken on `device`: by this process, or on a card by all programs together, which is as near as drivers tell.
pub(crate) fn taken_bytes(device: Device) -> Option<u64> {
    match device {
        Device::Processor => cortensor_hardware::process_memory_bytes(),
        Device::Card(card) => cortensor_hardware::card_taken_bytes(card),
    }
}

/// Tries every card that looks usable; one that the engine cannot compute on is left out of plans, with what it said.
pub(crate) async fn try_cards(engine: &dyn Engine, hardware: &mut Hardware) {
    for card in hardware.gpus.iter_mut().filter(|card| card.usable == GpuUse::Usable) {
        if let Err(error) = engine.try_device(Device::Card(card.index)).await {
            tracing::warn!(card = card.index, %error, "a graphics card cannot be used");
            card.usable = GpuUse::NotYet { reason: format!("the engine cannot compute on it: {error}") };
            card.backend = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use cortensor_engine::scripted::{Script, ScriptedEngine};
    use cortensor_hardware::Gpu;

    use super::*;

    #[test]
    fn a_plan_for_one_card_is_loaded_on_it() {
        let cards = |cards: &[u32]| Placement::Cards { backend: Backend::Cuda, cards: cards.to_vec() };
        assert_eq!(device(&cards(&[2])), Device::Card(2));
        assert_eq!(device(&Placement::Processor), Device::Processor);
    }

    #[tokio::test]
    async fn a_card_that_the_engine_cannot_use_is_left_out_with_the_reason() {
        let card = Gpu {
            index: 0,
            vendor: "NVIDIA".to_owned(),
            model: "Card".to_owned(),
            total_bytes: Some(8),
            free_bytes: Some(6),
            usable: GpuUse::Usable,
            integrated: Some(false),
            driver: None,
            backend: Some(Backend::Cuda),
            memory_bandwidth: None,
        };
        let mut hardware = Hardware { gpus: vec![card], ..Hardware::default() };
        try_cards(&ScriptedEngine::new(Script::saying(&[])), &mut hardware).await;
        let card = &hardware.gpus[0];
        assert_eq!(card.backend, None);
        assert!(
            matches!(&card.usable, GpuUse::NotYet { reason } if reason.contains("on the processor only")),
            "{card:?}"
        );
    }
}
