//! What a plgd service sends piece by piece (grpc-gateway v2): `{"result": …}` one behind the other, with a line break or a blank
//! line between them, and `{"error": …}` where it went wrong.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ClientError;
use super::error::malformed;
use crate::sign_in::shown;

/// One piece.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Piece<T> {
    Result(T),
    Error(Status),
}

/// google.rpc.Status.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

/// All results of a stream that has ended.
///
/// # Errors
/// What the service says of its failure, or what could not be read.
pub(super) fn results<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, ClientError> {
    let text = std::str::from_utf8(body).map_err(malformed)?;
    serde_json::Deserializer::from_str(text)
        .into_iter::<Piece<T>>()
        .map(|piece| match piece.map_err(malformed)? {
            Piece::Result(result) => Ok(result),
            Piece::Error(status) => Err(ClientError::Refused {
                detail: shown(&status.message),
                status: 200,
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failure_in_a_stream_is_told() {
        let body = b"{\"result\":1}\n\n{\"error\":{\"code\":14,\"message\":\"no network\"}}\n\n";
        let failed = results::<u8>(body).expect_err("a failure");
        assert_eq!(
            failed,
            ClientError::Refused {
                detail: "no network".to_owned(),
                status: 200
            }
        );
    }

    proptest! {
        #[test]
        fn whatever_stands_between_results_they_are_read_in_their_order(
            names in proptest::collection::vec("(?s).{0,40}", 0..20),
            separator in prop_oneof![Just("\n"), Just("\n\n"), Just("\r\n"), Just("")],
            ends in any::<bool>(),
        ) {
            let pieces: Vec<String> = names.iter().map(|name| json!({ "result": name }).to_string()).collect();
            let mut body = pieces.join(separator);
            if ends {
                body.push_str(separator);
            }
            prop_assert_eq!(results::<String>(body.as_bytes()), Ok(names));
        }

        #[test]
        fn a_stream_that_breaks_off_is_not_taken_for_whole(
            names in proptest::collection::vec("[a-z]{1,9}", 1..6),
            cut in 1_usize..10,
        ) {
            let body: String = names.iter().map(|name| json!({ "result": name }).to_string() + "\n\n").collect();
            let short = &body[..body.trim_end().len() - cut];
            prop_assert!(results::<String>(short.as_bytes()).is_err());
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = results::<String>(&bytes);
        }
    }
}
