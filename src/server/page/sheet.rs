//! What the page of a problem shows, as whoever knows problems fills it in: texts, clean and short, and links that were checked. It must
//! not know HTML.

use jiff::Timestamp;

/// The page of a problem.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The problem's id.
    pub id: String,
    /// How it sounds, which gives its colour.
    pub tone: SheetTone,
    /// Where it stands, in a word or two.
    pub state: String,
    /// What and how it stands.
    pub title: String,
    /// Where it failed.
    pub place: Option<Words>,
    /// How much failed and since when, or what proves that it is over.
    pub lead: Vec<Words>,
    /// Who takes care, and what withholds it.
    pub standing: Vec<String>,
    /// Code, status, class and whether another try helps.
    pub error: Vec<Words>,
    /// What the error says.
    pub said: Option<String>,
    /// What the error says more.
    pub detail: Option<String>,
    /// The one next action.
    pub advice: Option<String>,
    /// The label and the address of each link, the most important one first.
    pub links: Vec<(String, String)>,
    /// The workflows or the runs that it is about.
    pub lists: Vec<SheetList>,
    /// What helps to judge it.
    pub context: Vec<Words>,
    /// When, how long, which attempt, where.
    pub facts: Vec<(String, String)>,
    /// What was seen, decided and said, oldest first.
    pub story: Vec<(Timestamp, String)>,
    /// What is still on its way.
    pub ahead: Vec<String>,
    /// Why it is told: the rule, the severity.
    pub footer: String,
    /// Acknowledging it would change something.
    pub may_acknowledge: bool,
    /// Silencing it would change something.
    pub may_silence: bool,
}

/// A list on a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SheetList {
    /// What is listed.
    pub title: String,
    /// The items.
    pub items: Vec<Words>,
    /// What is left out, counted.
    pub more: Option<String>,
}

/// How a page sounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SheetTone {
    /// Something failed.
    #[default]
    Bad,
    /// Something may fail, is missing, or somebody looks after it.
    Warn,
    /// It is over.
    Good,
    /// Nothing is wrong.
    Note,
}

/// A sentence in pieces.
pub type Words = Vec<Piece>;

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// Words that stand out.
    Strong(String),
    /// A name from outside.
    Code(String),
    /// What is no longer so.
    Struck(String),
    /// A name that leads somewhere.
    Link(String, String),
}
