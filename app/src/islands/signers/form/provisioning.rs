//! How a certificate of AWS comes about, filled in: the person has the request signed, or the device fetches its certificate by a
//! provisioning template.

use std::collections::BTreeMap;

use gangway_protocol::signer::{FleetProvisioning, ParameterSource};
use leptos::prelude::*;

use super::field::{Field, holding, text};
use crate::visit::language;

const REQUEST: &str = "request";
const TEMPLATE: &str = "template";

/// What is filled in.
#[derive(Clone, Copy)]
pub(super) struct ProvisioningForm {
    by: RwSignal<String>,
    template: RwSignal<String>,
    /// `SerialNumber=serial, Owner=organisation`
    parameters: RwSignal<String>,
}

impl ProvisioningForm {
    pub(super) fn of(present: Option<&FleetProvisioning>) -> Self {
        let parameters = present.map(|present| written(&present.parameters));
        Self {
            by: holding(Some(present.map_or(REQUEST, |_| TEMPLATE))),
            template: holding(present.map(|present| present.template.as_str())),
            parameters: holding(parameters.as_deref()),
        }
    }

    pub(super) fn is_chosen(self) -> bool {
        self.by.with(|by| by == TEMPLATE)
    }

    pub(super) fn filled(self) -> Option<FleetProvisioning> {
        untrack(|| self.is_chosen()).then(|| FleetProvisioning {
            template: text(self.template),
            parameters: read(&text(self.parameters)),
        })
    }
}

/// Its fields.
#[component]
pub(super) fn ProvisioningFields(
    form: ProvisioningForm,
    id: Callback<&'static str, String>,
) -> impl IntoView {
    let t = language();
    view! {
        <div class="field">
            <label for=id.run("comes-by")>{t.aws_certificates()}</label>
            <select id=id.run("comes-by") bind:value=form.by>
                <option value=REQUEST>{t.aws_by_request()}</option>
                <option value=TEMPLATE>{t.aws_by_template()}</option>
            </select>
        </div>
        {move || {
            form.is_chosen()
                .then(|| {
                    view! {
                        <Field
                            id=id.run("template")
                            label=t.aws_template()
                            value=form.template
                            placeholder="plant"
                            hint=t.aws_template_hint()
                            is_required=true
                            longest=36
                        />
                        <Field
                            id=id.run("parameters")
                            label=t.aws_parameters()
                            value=form.parameters
                            placeholder="SerialNumber=serial"
                            hint=t.aws_parameters_hint()
                            longest=2048
                        />
                    }
                })
        }}
    }
}

/// Pairs of a name and a source, as people write them. A source that is none stays one that is not known, and is refused with
/// the list of those that are.
fn read(text: &str) -> BTreeMap<String, ParameterSource> {
    text.split([',', '\n'])
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, source) = pair.split_once('=').unwrap_or((pair, ""));
            let source = serde_json::Value::from(source.trim());
            let source = serde_json::from_value(source).unwrap_or(ParameterSource::Unknown);
            (name.trim().to_owned(), source)
        })
        .collect()
}

fn written(parameters: &BTreeMap<String, ParameterSource>) -> String {
    let pairs = parameters.iter().map(|(name, source)| {
        let source = serde_json::to_value(source).unwrap_or_default();
        format!("{name}={}", source.as_str().unwrap_or_default())
    });
    pairs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_are_written() {
        let parameters = BTreeMap::from([
            ("Owner".to_owned(), ParameterSource::Organisation),
            ("SerialNumber".to_owned(), ParameterSource::Serial),
        ]);
        assert_eq!(written(&parameters), "Owner=organisation, SerialNumber=serial");
        assert_eq!(read(&written(&parameters)), parameters);
        assert_eq!(read(" SerialNumber = serial\n,Owner=organisation,, "), parameters);
        for nothing in ["Serial", "Serial=", "Serial=colour"] {
            assert_eq!(read(nothing)["Serial"], ParameterSource::Unknown, "{nothing}");
        }
        assert!(read("").is_empty());
    }
}
