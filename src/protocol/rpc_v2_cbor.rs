//! Smithy RPC v2 CBOR: [`RpcV2`] with documents in CBOR.

use super::Malformed;
use super::locate;
use super::rpc_v2::RpcV2;
use crate::codec::cbor::{self, Epoch};
use crate::model::schema::{Service, ShapeIndex};
use crate::value::Value;

/// The protocol.
pub static RPC_V2_CBOR: RpcV2 = RpcV2 {
    id: "smithy.protocols#rpcv2Cbor",
    name: "rpc-v2-cbor",
    content_type: "application/cbor",
    decode,
    locate: locate::cbor_body,
    encode: |service, shape, value| cbor::encode(service, shape, value, Epoch::Seconds),
    encode_texts: cbor::encode_texts,
};

fn decode(service: &Service, shape: Option<ShapeIndex>, body: &[u8]) -> Result<Value, Malformed> {
    cbor::decode(service, shape, body, Epoch::Seconds).map_err(|error| Malformed(format!("the body is not CBOR: {error}")))
}
