//! The icon in the tray: the program's own with a badge in its corner, whose shape says how the miner is to whoever does not
//! see its colour.

use cortensor_app::{Phase, Status};
use tauri::image::Image;

/// How the miner is, at a glance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// On its way, or waiting for the network.
    Waiting,
    /// Taking tasks.
    Mining,
    /// Paused or ended, by the user or their rules.
    Paused,
    /// An update is ready.
    Update,
    /// The user is needed.
    Problem,
}

type Colour = [u8; 4];
const WHITE: Colour = [255, 255, 255, 255];
/// Pixels are looked at in so many places each way.
const SAMPLES: u8 = 4;

impl Face {
    pub(crate) fn of(status: &Status) -> Self {
        match status.phase {
            _ if status.passphrase.is_some() => Self::Problem,
            Phase::Starting | Phase::Offline | Phase::Testing | Phase::Untrusted => Self::Waiting,
            Phase::Mining | Phase::Switching => Self::Mining,
            Phase::Draining | Phase::Paused | Phase::Stopped => Self::Paused,
            Phase::Hindered | Phase::Failed => Self::Problem,
        }
    }

    /// The icon with this face's badge over its lower right.
    pub(crate) fn on(self, icon: &Image<'_>) -> Image<'static> {
        let (width, height) = (icon.width(), icon.height());
        let mut pixels = icon.rgba().to_vec();
        for (index, pixel) in (0..).zip(pixels.chunks_exact_mut(4)) {
            self.cover(pixel, f32_of(index % width) / f32_of(width), f32_of(index / width) / f32_of(height), width);
        }
        Image::new_owned(pixels, width, height)
    }

    /// Lays the badge over a pixel whose corner is at `x` and `y` of an icon of size 1.
    fn cover(self, pixel: &mut [u8], x: f32, y: f32, width: u32) {
        let step = 1.0 / f32_of(width) / f32::from(SAMPLES);
        let mut sums = [0_u32; 4];
        for sample in 0..SAMPLES * SAMPLES {
            let (right, down) = (f32::from(sample % SAMPLES) + 0.5, f32::from(sample / SAMPLES) + 0.5);
            let (x, y) = ((x + right * step - 0.7) / 0.3, (y + down * step - 0.7) / 0.3);
            let colour = self.colour(x, y).unwrap_or([pixel[0], pixel[1], pixel[2], pixel[3]]);
            sums.iter_mut().zip(colour).for_each(|(sum, part)| *sum += u32::from(part));
        }
        let samples = u32::from(SAMPLES) * u32::from(SAMPLES);
        pixel.iter_mut().zip(sums).for_each(|(part, sum)| *part = u8::try_from(sum / samples).unwrap_or(u8::MAX));
    }

    /// The badge's colour at a place in it, from -1 to 1 each way.
    fn colour(self, x: f32, y: f32) -> Option<Colour> {
        let away = x.hypot(y);
        match away {
            _ if away > 1.0 => None,
            _ if away > 0.86 || self.is_marked(x, y) => Some(WHITE),
            _ => Some(self.ground()),
        }
    }

    const fn ground(self) -> Colour {
        match self {
            Self::Waiting => [90, 98, 112, 255],
            Self::Mining => [22, 128, 61, 255],
            Self::Paused => [161, 98, 7, 255],
            Self::Update => [29, 78, 216, 255],
            Self::Problem => [200, 30, 30, 255],
        }
    }

    /// A ring, an arrow that points on, two bars, an arrow that points down, an exclamation mark.
    fn is_marked(self, x: f32, y: f32) -> bool {
        let (beside, above) = (x.abs(), y.abs());
        match self {
            Self::Waiting => x.hypot(y) < 0.42,
            Self::Mining => x > -0.35 && above < (0.6 - x) * 0.58,
            Self::Paused => above < 0.5 && (0.14..0.42).contains(&beside),
            Self::Update => (beside < 0.16 && (-0.62..0.1).contains(&y)) || (y >= 0.0 && beside < (0.6 - y) * 0.8),
            Self::Problem => beside < 0.16 && ((-0.62..0.16).contains(&y) || (0.34..0.62).contains(&y)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of icons")]
fn f32_of(pixels: u32) -> f32 {
    pixels as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How bright each pixel is: what is left of an icon without its colours.
    fn brightness(face: Face) -> Vec<i32> {
        let icon = Image::new_owned([40, 60, 200, 255].repeat(32 * 32), 32, 32);
        let shown = face.on(&icon);
        shown.rgba().chunks_exact(4).map(|pixel| pixel.iter().take(3).map(|part| i32::from(*part)).sum()).collect()
    }

    #[test]
    fn the_faces_differ_also_for_who_sees_no_colours() {
        let faces = [Face::Waiting, Face::Mining, Face::Paused, Face::Update, Face::Problem];
        for (index, one) in faces.into_iter().enumerate() {
            for other in &faces[index + 1..] {
                let pairs = brightness(one).into_iter().zip(brightness(*other));
                let different = pairs.filter(|(one, other)| (one - other).abs() > 150).count();
                assert!(different > 20, "{one:?} and {other:?} differ in {different} pixels");
            }
        }
    }

    #[test]
    fn the_icon_itself_is_still_seen() {
        let plain = 40 + 60 + 200;
        let kept = brightness(Face::Problem).into_iter().filter(|pixel| *pixel == plain).count();
        assert!((600..900).contains(&kept), "{kept} of 1024 pixels are left");
    }
}
