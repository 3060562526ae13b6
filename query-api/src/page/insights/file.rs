//! The tables of the figures as CSV: a row each, names as no spreadsheet runs them.

use export::csv::cell;

use crate::view::{Stats, Used};

const USED: [&str; 7] = [
    "messages",
    "input_tokens",
    "output_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "cost_usd",
    "unpriced_messages",
];

/// What a file is called: what stands before `.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Days,
    Models,
    Projects,
    Tools,
    Commands,
    Ratings,
    Lengths,
    Hours,
}

impl Table {
    /// Every one, by its name.
    pub(crate) const ALL: [(&str, Self); 8] = [
        ("days", Self::Days),
        ("models", Self::Models),
        ("projects", Self::Projects),
        ("tools", Self::Tools),
        ("commands", Self::Commands),
        ("ratings", Self::Ratings),
        ("lengths", Self::Lengths),
        ("hours", Self::Hours),
    ];

    /// The file.
    pub(crate) fn csv(self, stats: &Stats<'_>) -> String {
        let mut rows = vec![self.head()];
        match self {
            Self::Days => rows.extend(stats.days.iter().map(|it| {
                let figures = &it.figures;
                row(&[it.day.clone(), figures.conversations.to_string(), figures.failed.to_string()], &figures.used)
            })),
            Self::Models => {
                rows.extend(stats.models.iter().map(|it| row(&[cell(it.model.unwrap_or_default())], &it.used)));
            }
            Self::Projects => rows.extend(stats.projects.iter().map(|it| {
                let figures = &it.figures;
                let name = cell(it.project.unwrap_or_default());
                row(&[name, figures.conversations.to_string(), figures.failed.to_string()], &figures.used)
            })),
            Self::Tools => rows.extend(stats.tools.iter().map(|it| {
                let (median, p95) = (optional(it.median_ms), optional(it.p95_ms));
                [cell(it.name), it.calls.to_string(), it.failures.to_string(), it.measured.to_string(), median, p95]
                    .join(",")
            })),
            Self::Commands => rows.extend(stats.commands.iter().map(|it| format!("{},{}", cell(it.command), it.uses))),
            Self::Ratings => rows
                .extend(stats.ratings.days.iter().map(|it| format!("{},{},{}", it.day, it.count, optional(it.mean)))),
            Self::Lengths => rows.extend(stats.prompt_lengths.iter().map(|it| {
                let ratings = it.by_rating.map(|count| count.to_string()).join(",");
                format!(
                    "{},{},{},{},{},{ratings}",
                    it.from,
                    optional(it.below),
                    it.prompts,
                    it.rated,
                    optional(it.mean_rating)
                )
            })),
            Self::Hours => {
                let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
                for (name, hours) in names.iter().zip(&stats.hours) {
                    rows.extend(hours.iter().enumerate().map(|(hour, count)| format!("{name},{hour},{count}")));
                }
            }
        }
        rows.into_iter().map(|row| row + "\r\n").collect()
    }

    fn head(self) -> String {
        let used = USED.join(",");
        match self {
            Self::Days => format!("day,prompts,failed,{used}"),
            Self::Models => format!("model,{used}"),
            Self::Projects => format!("project,prompts,failed,{used}"),
            Self::Tools => "tool,calls,failures,measured,median_ms,p95_ms".to_owned(),
            Self::Commands => "command,uses".to_owned(),
            Self::Ratings => "day,ratings,mean".to_owned(),
            Self::Lengths => "from,below,prompts,rated,mean_rating,rated_1,rated_2,rated_3,rated_4,rated_5".to_owned(),
            Self::Hours => "weekday,hour,prompts".to_owned(),
        }
    }
}

fn row<const N: usize>(first: &[String; N], used: &Used) -> String {
    let tokens =
        [used.messages, used.input_tokens, used.output_tokens, used.cache_creation_tokens, used.cache_read_tokens];
    let tokens = tokens.map(|count| count.to_string()).join(",");
    format!("{},{tokens},{},{}", first.join(","), used.cost_usd, used.unpriced_messages)
}

fn optional(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::read::stats;

    #[test]
    fn names_are_no_formulas_and_rows_have_the_columns_of_their_heads() {
        let tokens =
            stats::Tokens { messages: 1, input: 2, output: 3, cost: 1_500_000_000_000, ..stats::Tokens::default() };
        let figures = stats::Figures { conversations: 4, failed: 1, tokens };
        let found = stats::Stats {
            days: vec![(stats::Day(20_000), figures)],
            models: vec![(Some("=1+1".to_owned()), tokens), (None, tokens)],
            projects: vec![(Some("/a, b".to_owned()), figures)],
            tools: vec![stats::Tool { name: "@x".to_owned(), calls: 2, failures: 1, took: store::Latency::default() }],
            commands: vec![("-x".to_owned(), 3)],
            ratings: vec![(stats::Day(20_000), stats::Ratings([0, 0, 0, 1, 1]))],
            lengths: vec![(0, 7)],
            rated_lengths: vec![stats::Ratings([0, 0, 0, 1, 1])],
            ..stats::Stats::default()
        };
        let view = Stats::of(&found, "UTC");
        let check = |table: Table, expected: &str| {
            let file = table.csv(&view);
            let (head, rows) = file.split_once("\r\n").unwrap();
            assert!(rows.starts_with(expected), "{file}");
            let columns = |row: &str| row.split('"').step_by(2).map(|part| part.matches(',').count()).sum::<usize>();
            assert!(rows.lines().all(|row| columns(row) == columns(head)), "{file}");
        };
        check(Table::Days, "2024-10-04,4,1,1,2,3,0,0,1.500000,0\r\n");
        check(Table::Models, "\"'=1+1\",1,2,3,0,0,1.500000,0\r\n,1,2,3");
        check(Table::Projects, "\"/a, b\",4,1,1,2");
        check(Table::Tools, "\"'@x\",2,1,0,,\r\n");
        check(Table::Commands, "\"'-x\",3\r\n");
        check(Table::Ratings, "2024-10-04,2,4.5\r\n");
        check(Table::Lengths, "0,,7,2,4.5,0,0,0,1,1\r\n");
        check(Table::Hours, "Monday,0,0\r\n");
        assert_eq!(Table::Hours.csv(&view).lines().count(), 1 + 7 * 24);
    }
}
