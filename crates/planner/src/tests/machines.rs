//! Real shapes of machines and what is planned for them: the table is `machines.txt`. After a change that is meant, write it
//! anew with `WRITE_PLANS=1 cargo test -p cortensor-planner` and read what changed.

use std::fmt::Write;

use cortensor_hardware::{Backend, Build, Gpu, GpuUse, Overrides};

use super::*;

const GIGA: u64 = 1_000_000_000;

/// A kind of machine, as detection tells it.
struct Shape {
    name: &'static str,
    /// Installed and free, in gigabytes.
    memory: (u64, u64),
    /// Gigabytes a second that the processor copies; what such machines are known for.
    bandwidth: u64,
    cards: Vec<Gpu>,
    build: Build,
    overrides: Overrides,
}

const CPU: Build = Build { cuda: false, metal: false };
const CUDA: Build = Build { cuda: true, metal: false };
const METAL: Build = Build { cuda: false, metal: true };

fn shape(name: &'static str, memory: (u64, u64), bandwidth: u64) -> Shape {
    Shape { name, memory, bandwidth, cards: Vec::new(), build: CPU, overrides: Overrides::default() }
}

/// A card by its name, free and installed gigabytes, and gigabytes a second.
fn nvidia(model: &str, (total, free): (u64, u64), bandwidth: u64) -> Gpu {
    Gpu {
        index: 0,
        vendor: "NVIDIA".to_owned(),
        model: model.to_owned(),
        total_bytes: Some(total * GIGA),
        free_bytes: Some(free * GIGA),
        usable: GpuUse::Usable,
        integrated: Some(false),
        driver: Some("580.95".to_owned()),
        backend: Some(Backend::Cuda),
        memory_bandwidth: Some(bandwidth * GIGA),
    }
}

fn apple(model: &str) -> Gpu {
    Gpu {
        vendor: "Apple".to_owned(),
        total_bytes: None,
        free_bytes: None,
        integrated: Some(true),
        driver: None,
        backend: Some(Backend::Metal),
        memory_bandwidth: None,
        ..nvidia(model, (0, 0), 0)
    }
}

/// Seen, and computed on by no build.
fn other(vendor: &str, model: &str) -> Gpu {
    Gpu { vendor: vendor.to_owned(), backend: None, ..nvidia(model, (16, 15), 500) }
}

impl Shape {
    fn with(mut self, build: Build, cards: impl IntoIterator<Item = Gpu>) -> Self {
        self.build = build;
        self.cards = (0..).zip(cards).map(|(index, card)| Gpu { index, ..card }).collect();
        self
    }

    fn limited(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    fn hardware(&self) -> Hardware {
        let (total, free) = self.memory;
        let mut hardware = machine(0);
        hardware.memory = Memory { total_bytes: total * GIGA, free_bytes: free * GIGA };
        hardware.cpu.memory_bandwidth = Some(self.bandwidth * GIGA);
        hardware.gpus.clone_from(&self.cards);
        hardware.limited_by(&self.overrides)
    }
}

fn machines() -> Vec<Shape> {
    let geforce = |name: &str| match name {
        "GTX 1650" => nvidia(name, (4, 3), 128),
        "RTX 4060 Laptop" => nvidia(name, (8, 7), 256),
        "RTX 3060" => nvidia(name, (12, 11), 360),
        "RTX 3090" => nvidia(name, (24, 23), 936),
        _ => nvidia(name, (24, 23), 1008),
    };
    let pinned = Overrides { gpus: Some(vec![1]), ..Overrides::default() };
    vec![
        shape("Raspberry Pi 5, 8 GB", (8, 6), 10),
        shape("old PC, 8 GB", (8, 4), 12),
        shape("small server, 2 GB", (2, 1), 10),
        shape("virtual machine, 2 cores, 24 GB", (25, 22), 20),
        shape("laptop, 16 GB, Intel graphics", (16, 9), 35).with(CPU, [other("Intel", "Iris Xe")]),
        shape("workstation, 64 GB, no card", (64, 58), 80),
        shape("PC, 4 GB card", (16, 10), 30).with(CUDA, [geforce("GTX 1650")]),
        shape("laptop, 8 GB card", (16, 10), 45).with(CUDA, [geforce("RTX 4060 Laptop")]),
        shape("PC, 12 GB card", (32, 26), 40).with(CUDA, [geforce("RTX 3060")]),
        shape("PC, 12 GB card, CPU build", (32, 26), 40).with(CPU, [geforce("RTX 3060")]),
        shape("PC, 16 GB AMD card", (32, 26), 40).with(CUDA, [other("AMD", "RX 7800 XT")]),
        shape("PC, 24 GB card", (64, 56), 60).with(CUDA, [geforce("RTX 4090")]),
        shape("PC, 24 GB card, a game runs", (64, 50), 60).with(CUDA, [nvidia("RTX 4090", (24, 2), 1008)]),
        shape("workstation, two 24 GB cards", (128, 120), 80).with(CUDA, ["RTX 3090"; 2].map(geforce)),
        shape("the same, the second pinned", (128, 120), 80).with(CUDA, ["RTX 3090"; 2].map(geforce)).limited(pinned),
        shape("server, eight 80 GB cards", (1024, 990), 300).with(CUDA, (0..8).map(|_| nvidia("H100", (85, 84), 3352))),
        shape("MacBook Air, 16 GB", (17, 11), 80).with(METAL, [apple("M2")]),
        shape("MacBook Pro, 64 GB", (68, 60), 300).with(METAL, [apple("M3 Max")]),
        shape("MacBook Pro, 64 GB, CPU build", (68, 60), 300).with(CPU, [apple("M3 Max")]),
    ]
}

const LLAMA_1B: Geometry = Geometry {
    parameters: 1_235_814_400,
    layers: 16,
    hidden: 2048,
    feed_forward: 8192,
    context_tokens: 131_072,
    head_width: 64,
    tied_embeddings: true,
    ..LLAMA_8B
};

const LLAMA_70B: Geometry =
    Geometry { parameters: 70_553_706_496, layers: 80, hidden: 8192, feed_forward: 28_672, heads: 64, ..LLAMA_8B };

/// Four sizes of model in the usual formats. The rows of the smallest are too short for K-quants.
fn every_model() -> Vec<Variant> {
    use Precision::{Q4_0, Q4K};
    let sizes = [("135M", SMOLLM2, Q4_0), ("1B", LLAMA_1B, Q4K), ("8B", LLAMA_8B, Q4K), ("70B", LLAMA_70B, Q4K)];
    let of_size = |(number, (name, geometry, least)): (u8, (&str, Geometry, Precision))| {
        [(Precision::F16, 160), (Precision::Q8_0, 85), (least, 49)].map(|(precision, tenths)| Variant {
            model: ModelId::new(name),
            precision,
            artifact: ArtifactDigest::new([number * 16 + precision as u8; 32]),
            bytes: geometry.parameters * tenths / 80,
            geometry,
        })
    };
    (0..).zip(sizes).flat_map(of_size).collect()
}

fn place(placement: &Placement) -> String {
    let of = |cards: &[u32]| cards.iter().map(u32::to_string).collect::<Vec<_>>().join("+");
    match placement {
        Placement::Processor => "processor".to_owned(),
        Placement::Cards { cards, .. } => format!("card {}", of(cards)),
        Placement::Split { cards, card_layers, processor_layers, .. } => {
            format!("card {} {card_layers}, processor {processor_layers}", of(cards))
        }
    }
}

fn side(choice: &Choice) -> String {
    let Choice { variant, load, placement, memory, estimate, .. } = choice;
    let rate = estimate.map_or_else(|| "?".to_owned(), |one| format!("{:.0}/h", one.requests_per_hour));
    let name = format!("{} {}", variant.model, variant.precision);
    let megabytes = memory.total() / 1_000_000;
    format!("{name:<9} {:<28} {:>5} {megabytes:>6} MB {rate:>7}", place(placement), load.context_tokens)
}

#[test]
fn every_shape_of_machine_gets_the_plan_of_the_table() {
    let mut table = String::new();
    for shape in machines() {
        let settings = PlanSettings { build: shape.build, ..PlanSettings::default() };
        let plan = plan(&shape.hardware(), &every_model(), &[], &settings).unwrap();
        writeln!(table, "{}", shape.name).unwrap();
        writeln!(table, "  precision  {}", side(&plan.precision)).unwrap();
        writeln!(table, "  volume     {}", side(&plan.volume)).unwrap();
        plan.advice.iter().for_each(|advice| writeln!(table, "  {advice}").unwrap());
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/machines.txt");
    if std::env::var_os("WRITE_PLANS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    for (got, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(got, expected);
    }
    assert_eq!(table.len(), expected.len());
}
