//! What questions are composed of: words that a small model knows.

pub(super) const WORDS: &[&str] = &[
    "apple", "river", "window", "garden", "music", "table", "orange", "winter", "summer", "bread", "house", "horse",
    "flower", "paper", "stone", "water", "green", "yellow", "silver", "mountain", "bridge", "candle", "cheese",
    "dragon", "engine", "forest", "guitar", "island", "jacket", "kitchen", "lemon", "market", "ocean", "pencil",
    "rabbit", "school", "ticket", "village", "wagon", "butter",
];
/// Given names, all different from the other words here.
pub(super) const NAMES: &[&str] = &[
    "Maria", "Tom", "Anna", "Peter", "Lucy", "David", "Emma", "Paul", "Sarah", "Daniel", "Julia", "Martin", "Laura",
    "Simon", "Clara", "Robert", "Nina", "Victor", "Alice", "Oscar",
];
pub(super) const CITIES: &[&str] = &[
    "Paris", "London", "Berlin", "Rome", "Madrid", "Tokyo", "Cairo", "Athens", "Moscow", "Beijing", "Dublin", "Vienna",
    "Prague", "Oslo", "Lisbon", "Boston", "Chicago", "Sydney", "Toronto", "Mumbai",
];
pub(super) const JOBS: &[&str] = &[
    "baker", "teacher", "doctor", "farmer", "painter", "pilot", "nurse", "lawyer", "cook", "singer", "writer",
    "gardener", "plumber", "dentist", "tailor",
];
pub(super) const VERBS: &[&str] = &["likes", "sees", "has", "wants", "found", "lost"];
pub(super) const DAYS: &[&str] = &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// Things that are counted, in the plural.
pub(super) const COUNTED: &[&str] = &[
    "apples", "books", "coins", "eggs", "stamps", "marbles", "pencils", "cookies", "balls", "flowers", "cards",
    "stones",
];
/// Groups of words, for "which of these is it?".
pub(super) const GROUPS: &[(&str, &[&str])] = &[
    ("animal", &["dog", "cat", "horse", "lion", "tiger", "rabbit", "elephant", "cow", "wolf", "bear", "sheep", "fox"]),
    ("fruit", &["apple", "banana", "grape", "pear", "cherry", "mango", "peach", "lemon", "strawberry"]),
    ("color", &["red", "blue", "green", "yellow", "purple", "black", "white", "brown", "pink", "gray"]),
    ("tool", &["hammer", "saw", "screwdriver", "wrench", "drill", "shovel", "axe", "pliers"]),
    ("country", &["France", "Germany", "Spain", "Japan", "China", "Italy", "Egypt", "Brazil", "Canada", "India"]),
];
/// What is judged in a review.
pub(super) const REVIEWED: &[&str] = &[
    "food",
    "film",
    "hotel",
    "book",
    "service",
    "room",
    "concert",
    "phone",
    "coffee",
    "museum",
    "car",
    "restaurant",
    "game",
    "soup",
    "tour",
];
pub(super) const GOOD: &[&str] =
    &["wonderful", "excellent", "great", "amazing", "fantastic", "perfect", "lovely", "delightful"];
pub(super) const BAD: &[&str] = &["terrible", "awful", "horrible", "bad", "disgusting", "boring", "broken", "dreadful"];
pub(super) const GOOD_ENDS: &[&str] =
    &["I loved it", "I will come back", "I am very happy", "everyone enjoyed it", "I recommend it to all my friends"];
pub(super) const BAD_ENDS: &[&str] =
    &["I hated it", "I will never come back", "I am very angry", "nobody enjoyed it", "I want my money back"];
/// Of the throughput test.
pub(super) const FILLER: &[&str] = &[
    "time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state",
    "family", "student", "group", "country", "problem", "hand", "part", "place", "case", "week", "company", "system",
    "program", "question", "work", "number", "night", "point", "home", "water", "room", "mother", "area", "money",
    "story", "fact", "month", "lot", "right", "study", "book", "eye", "job", "word", "business", "issue", "side",
];
