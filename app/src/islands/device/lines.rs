//! The lines of a history as far as they are known. New ones come at the front, older ones are asked for.

use gangway_protocol::history::DeviceEvent;
use gangway_protocol::page::Page;

/// A line with the number by which the page tells it from others: newer ones have greater numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: i64,
    pub(super) event: DeviceEvent,
}

/// The known lines, newest first, and how to ask for older ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    /// Where the older ones begin; nothing when these are all.
    pub(super) next: Option<String>,
}

impl Lines {
    /// The newest page.
    pub(super) fn new(page: Page<DeviceEvent>) -> Self {
        let mut lines = Self {
            lines: Vec::new(),
            next: None,
        };
        lines.append(page);
        lines
    }

    /// Takes the page after the known lines.
    pub(super) fn append(&mut self, page: Page<DeviceEvent>) {
        let oldest = self.lines.last().map_or(0, |line| line.number);
        let numbers = (1..).map(|step| oldest - step);
        self.lines.extend(
            page.items
                .into_iter()
                .zip(numbers)
                .map(|(event, number)| Line { number, event }),
        );
        self.next = page.next;
    }

    /// Takes the newest page again: what is new in it comes to the front. When it does not reach the known lines, it takes
    /// their place, for what lies between is not known.
    pub(super) fn renew(&mut self, page: Page<DeviceEvent>) {
        let newest = self.lines.first().map_or(0, |line| line.number);
        let Some(new) = self.count_new(&page.items) else {
            *self = Self::numbered_from(newest, page);
            return;
        };
        let numbers = (1..).map(|step| newest + step);
        let fresh: Vec<DeviceEvent> = page.items.into_iter().take(new).collect();
        let mut fresh: Vec<Line> = fresh
            .into_iter()
            .rev()
            .zip(numbers)
            .map(|(event, number)| Line { number, event })
            .collect();
        fresh.reverse();
        self.lines.splice(..0, fresh);
    }

    /// How many lines of the newest page are not known yet. Lines have no ids: the known ones begin where the rest of the
    /// page is how they begin.
    fn count_new(&self, items: &[DeviceEvent]) -> Option<usize> {
        (0..items.len()).find(|new| {
            items
                .iter()
                .skip(*new)
                .zip(&self.lines)
                .all(|(item, line)| *item == line.event)
                && !self.lines.is_empty()
        })
    }

    fn numbered_from(newest: i64, page: Page<DeviceEvent>) -> Self {
        let mut lines = Self::new(page);
        let count = i64::try_from(lines.lines.len()).unwrap_or(i64::MAX);
        for line in &mut lines.lines {
            // All above the former ones, so that none is taken for one of them.
            line.number = line
                .number
                .saturating_add(newest)
                .saturating_add(count)
                .saturating_add(1);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use gangway_protocol::time::UnixMillis;

    use super::*;

    fn page(instants: &[i64], next: Option<&str>) -> Page<DeviceEvent> {
        let event = |at: &i64| DeviceEvent {
            at: UnixMillis(*at),
            action: "device.described".into(),
            actor: None,
            detail: None,
        };
        Page::new(instants.iter().map(event).collect(), next.map(str::to_owned))
    }

    fn instants(lines: &Lines) -> Vec<i64> {
        let numbers: Vec<i64> = lines.lines.iter().map(|line| line.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a > b), "{numbers:?}");
        lines.lines.iter().map(|line| line.event.at.0).collect()
    }

    #[test]
    fn new_lines_come_to_the_front_and_older_ones_stay() {
        let mut lines = Lines::new(page(&[5, 4], Some("b")));
        lines.append(page(&[3, 2], Some("c")));
        let former = lines.lines.clone();
        lines.renew(page(&[7, 6], None));
        assert_eq!(instants(&lines), [7, 6], "what lies between is not known");
        let mut lines = Lines {
            lines: former.clone(),
            next: Some("c".into()),
        };
        lines.renew(page(&[6, 5], Some("x")));
        assert_eq!(instants(&lines), [6, 5, 4, 3, 2]);
        assert_eq!(lines.lines.get(1..), Some(&*former));
        assert_eq!(lines.next.as_deref(), Some("c"));
    }

    #[test]
    fn the_same_page_again_changes_nothing() {
        let mut lines = Lines::new(page(&[5, 4, 4], None));
        let former = lines.clone();
        lines.renew(page(&[5, 4, 4], None));
        assert_eq!(lines, former);
    }

    #[test]
    fn a_first_line_is_new() {
        let mut lines = Lines::new(page(&[], None));
        lines.renew(page(&[1], None));
        assert_eq!(instants(&lines), [1]);
    }

    #[test]
    fn an_older_page_continues_where_the_known_lines_end() {
        let mut lines = Lines::new(page(&[5, 4], Some("b")));
        lines.append(page(&[3], None));
        assert_eq!(instants(&lines), [5, 4, 3]);
        assert_eq!(lines.next, None);
    }
}
