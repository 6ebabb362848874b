//! A layer of `tracing`: its spans become edbprof's, by name and place.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tracing_core::callsite::Identifier;
use tracing_core::span::Id;
use tracing_core::{Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::{recording, Span};

/// Put it on a registry: `tracing_subscriber::registry().with(edbprof_span::Layer::default())`.
#[derive(Default)]
pub struct Layer {
    /// Of each place in the program. They live as long as the program.
    spans: Mutex<HashMap<Identifier, &'static Span>>,
}

impl Layer {
    fn span(&self, metadata: &'static Metadata<'static>) -> &'static Span {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.entry(metadata.callsite()).or_insert_with(|| {
            let file = metadata.file().unwrap_or("");
            let line = metadata.line().unwrap_or(0);
            Box::leak(Box::new(Span::new(metadata.name(), file, line)))
        })
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Layer {
    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some((api, span)) = recording().zip(context.span(id)) {
            // SAFETY: a function of the runtime, and a span that lives as long as the program.
            unsafe { (api.enter_span)(self.span(span.metadata())) };
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some((api, span)) = recording().zip(context.span(id)) {
            // SAFETY: as above.
            unsafe { (api.leave_span)(self.span(span.metadata())) };
        }
    }
}
