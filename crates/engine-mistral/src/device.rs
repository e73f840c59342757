//! The device that a model is loaded on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{DType, Error, Tensor};
use cortensor_engine::Device;

/// Opens `device`. A card that this build cannot compute on is an error that says so.
pub(crate) fn open(device: Device) -> candle_core::Result<candle_core::Device> {
    match device {
        Device::Processor => Ok(candle_core::Device::Cpu),
        Device::Card(number) if cfg!(feature = "cuda") => {
            without_panic(|| candle_core::Device::new_cuda(number as usize))
        }
        Device::Card(number) if cfg!(feature = "metal") => {
            without_panic(|| candle_core::Device::new_metal(number as usize))
        }
        Device::Card(_) => Err(Error::Msg(
            "this build computes on the processor only; install the CUDA build, or on a Mac the Metal build, to use a card"
                .to_owned(),
        )),
    }
}

/// Computes something small on `device`: only then is it known whether its driver takes the kernels of this build.
pub(crate) fn try_device(device: Device) -> Result<(), String> {
    let tried = open(device).and_then(|device| {
        without_panic(|| {
            let sum = Tensor::ones(8, DType::F32, &device)?.affine(2.0, 1.0)?.sum_all()?;
            sum.to_scalar::<f32>()
        })
    });
    match tried {
        Ok(sum) if (sum - 24.0).abs() < 1e-3 => Ok(()),
        Ok(sum) => Err(format!("it computes wrongly: 8 x 3 came to {sum}")),
        Err(error) => Err(error.to_string()),
    }
}

/// The driver's bindings unwrap the texts of errors.
fn without_panic<T>(work: impl FnOnce() -> candle_core::Result<T>) -> candle_core::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::Msg("its driver does not answer".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_can_always_be_loaded_on() {
        assert_eq!(try_device(Device::Processor), Ok(()));
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_card_is_refused_by_a_build_without_it() {
        let refused = try_device(Device::Card(0)).unwrap_err();
        assert!(refused.contains("install the CUDA build"), "{refused}");
    }
}
