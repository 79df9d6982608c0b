//! The file as it was read: its values, and where in the text each of them stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::path::{Path, Segment};

/// A value's place in the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// The key that names it; none for the items of an array.
    pub(super) key: Option<Range<usize>>,
    /// The value; of a table with a header, its header.
    pub(super) value: Range<usize>,
    pub(super) children: Children,
}

#[derive(Debug, Clone, Default)]
pub(super) enum Children {
    #[default]
    None,
    Table(BTreeMap<String, Node>),
    Array(Vec<Node>),
}

/// Something that the text says and TOML does not allow.
#[derive(Debug, Clone)]
pub(super) struct SyntaxError {
    pub(super) span: Option<Range<usize>>,
    pub(super) message: String,
}

/// What a text holds, as far as it can be understood.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    pub(super) table: Table,
    pub(super) root: Node,
    pub(super) errors: Vec<SyntaxError>,
}

/// Reads all of `text`, past every mistake in its syntax.
pub(super) fn parse(text: &str) -> Parsed {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut errors: Vec<SyntaxError> = errors
        .iter()
        .map(|error| SyntaxError { span: error.span(), message: error.message().replace('\n', "; ") })
        .collect();
    let (table, children) = read_table(document.get_ref(), &mut errors);
    Parsed { table, root: Node { key: None, value: 0..0, children: Children::Table(children) }, errors }
}

fn read_table(table: &DeTable<'_>, errors: &mut Vec<SyntaxError>) -> (Table, BTreeMap<String, Node>) {
    let mut values = Table::new();
    let mut nodes = BTreeMap::new();
    for (key, value) in table {
        let (value, mut node) = read_value(value, errors);
        node.key = Some(key.span());
        values.insert(key.get_ref().to_string(), value);
        nodes.insert(key.get_ref().to_string(), node);
    }
    (values, nodes)
}

fn read_value(value: &Spanned<DeValue<'_>>, errors: &mut Vec<SyntaxError>) -> (Value, Node) {
    let span = value.span();
    let mut children = Children::None;
    let mut wrong = |message: String| errors.push(SyntaxError { span: Some(span.clone()), message });
    let read = match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            Value::Integer(i64::from_str_radix(integer.as_str(), integer.radix()).unwrap_or_else(|_| {
                wrong("the integer is out of range".to_owned());
                0
            }))
        }
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or_else(|_| {
            wrong("not a number".to_owned());
            0.0
        })),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(datetime) => Value::Datetime(*datetime),
        DeValue::Array(array) => {
            let (values, nodes) = array.iter().map(|item| read_value(item, errors)).unzip();
            children = Children::Array(nodes);
            Value::Array(values)
        }
        DeValue::Table(table) => {
            let (values, nodes) = read_table(table, errors);
            children = Children::Table(nodes);
            Value::Table(values)
        }
    };
    (read, Node { key: None, value: span, children })
}

impl Node {
    /// The node at `path`, or the deepest one on the way to it.
    pub(super) fn nearest(&self, path: &Path) -> &Self {
        let mut node = self;
        for segment in path.segments() {
            let next = match (segment, &node.children) {
                (Segment::Key(key), Children::Table(nodes)) => nodes.get(key),
                (Segment::Index(index), Children::Array(nodes)) => nodes.get(*index),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Calls `visit` with every node below, the keys on the way to it, and itself.
    pub(super) fn walk<'a>(&'a self, keys: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&str], &Self)) {
        visit(keys, self);
        match &self.children {
            Children::None => {}
            Children::Array(nodes) => nodes.iter().for_each(|node| node.walk(keys, visit)),
            Children::Table(nodes) => {
                for (key, node) in nodes {
                    keys.push(key);
                    node.walk(keys, visit);
                    keys.pop();
                }
            }
        }
    }
}
