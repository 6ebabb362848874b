//! The `flamegraph` format: one plain flame graph of the call stacks. The `inferno` crate draws it,
//! for users who want Brendan Gregg's picture and nothing else.

use inferno::flamegraph::{self, Options};

use super::folded::stacks;
use super::{Error, Report, View};
use crate::analysis::prune::prune;

/// Inferno's flame graph.
#[derive(Clone, Copy, Debug)]
pub struct FlameGraph {
    /// Width in pixels; 0 takes the width of the window.
    pub width: u32,
    /// Frames with less than this share of the whole time are not drawn.
    pub threshold: f64,
}

impl Report for FlameGraph {
    fn render(&self, view: &View<'_>) -> Result<Option<Vec<u8>>, Error> {
        let stacks = stacks(&prune(view.tree(), self.threshold), &view.paths());
        if stacks.is_empty() {
            return Ok(None);
        }
        let mut options = Options::default();
        options.title = view.title();
        let remarks = view.remarks();
        options.subtitle = (!remarks.is_empty()).then(|| remarks.join(" "));
        options.count_name = "ns".to_owned();
        options.hash = true;
        options.min_width = self.threshold * 100.0;
        options.image_width = (self.width > 0).then_some(self.width as usize);
        let mut svg = Vec::new();
        flamegraph::from_lines(&mut options, stacks.lines(), &mut svg).map_err(Error::new)?;
        Ok(Some(svg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::display_tree::DisplayTree;
    use crate::analysis::merge::Profile;
    use crate::model::{NO_PARENT, Rows};
    use crate::report::svg::tests::tree;

    fn render(frames: &DisplayTree) -> Option<String> {
        let (profile, rows) = (Profile::default(), Rows::default());
        let view = View::with(&profile, &rows, frames.clone());
        let options = FlameGraph {
            width: 1000,
            threshold: 0.0,
        };
        let svg = options.render(&view).unwrap();
        svg.map(|svg| String::from_utf8(svg).unwrap())
    }

    #[test]
    fn labels_survive_the_folded_form() {
        let mut frames = tree(&[(NO_PARENT, "a;b 12", 100), (0, "x", 40)]);
        for function in &mut frames.functions {
            function.label.file = b"~".as_slice().into();
        }
        let svg = render(&frames).unwrap();
        assert!(
            svg.contains("<title>a\u{ff1b}b\u{a0}12 (100 ns, 100.00%)</title>"),
            "{svg}"
        );
        assert!(!svg.contains("a\u{ff1b}b</title>"));
    }

    #[test]
    fn nothing_recorded_is_no_picture() {
        assert_eq!(render(&DisplayTree::default()), None);
    }
}
